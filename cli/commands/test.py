"""`trueline test`: an integration's own tests, the fault matrix and the tier."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.config import config_option, read_config, set_option
from cli.context import environ, json_option, settings
from cli.exits import Exit

if TYPE_CHECKING:  # only names in annotations
    from rich.console import Console

    from cli.local_test import Proof


@click.command()
@click.argument("name")
@click.option("--faults", is_flag=True, help="Replay each recorded exchange with each fault.")
@config_option
@set_option
@json_option
def command(
    *,
    name: str,
    faults: bool,
    config_file: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> Exit:
    """Run the own tests of the integration NAME in its environment, and tell its tier.

    With --faults, what was found out is written to its quality.json. The exchanges are replayed
    with the config of tests/config.json, or of --config. Exits with 3 when a test fails, or a
    fault becomes a quiet success.
    """
    from cli.checked import checked_integration  # noqa: PLC0415 - start-up time
    from cli.local_run import LocalWorker, find_checkout, read_entry  # noqa: PLC0415 - same
    from cli.local_test import LocalTest, read_test_config  # noqa: PLC0415 - same
    from cli.render import make_console, print_json  # noqa: PLC0415 - same
    from utils.tree import INTEGRATIONS  # noqa: PLC0415 - same

    checkout = find_checkout(Path.cwd())
    entry = read_entry(checkout, name)
    folder = checkout / INTEGRATIONS / name
    given = read_config(config_file, assignments)

    def config_of(exchanges: str) -> dict[str, Any]:
        return given if config_file else {**read_test_config(folder, exchanges), **given}

    console = make_console(stderr=as_json)
    worker = LocalWorker(settings(), environ(), lambda event: _tell(event, console))
    checked = checked_integration(checkout, name)
    local = LocalTest(
        worker,
        checkout,
        entry,
        checked,
        lambda printed: _print(printed, console),
        lambda done, total: _count(done, total, console),
    )
    tested = local.run(faults=faults, config_of=config_of)
    if as_json:
        print_json(tested.as_json())
    else:
        _show(tested, console)
    return tested.exit


def _tell(event: dict[str, object], console: "Console") -> None:
    from cli.following import print_event  # noqa: PLC0415 - start-up time

    if event["type"] == "environment":
        print_event(event, console)


def _print(printed: bytes, console: "Console") -> None:
    from worker.controls import neutralise  # noqa: PLC0415 - start-up time

    lines = printed.decode("utf-8", "replace").split("\n")
    console.out("\n".join(neutralise(line) for line in lines), end="", highlight=False)


def _count(done: int, total: int, console: "Console") -> None:
    """Show on a terminal how far the matrix is, on a line that the next one replaces."""
    if console.is_terminal:
        console.print(f"  faults played: {done} of {total}", end="\r" if done < total else "\n")


def _show(tested: "Proof", console: "Console") -> None:
    from cli.matrix_table import print_matrix  # noqa: PLC0415 - start-up time
    from cli.render import text  # noqa: PLC0415 - same

    if tested.tests is None:
        console.print("it has no tests of its own (tests/test_*.py)")
    if tested.matrix is not None:
        print_matrix(console, tested.matrix)
    standing = tested.standing
    console.print(f"tier: [bold]{standing.tier or 'none'}[/]")
    if standing.next:
        console.print(f"for {standing.next}:")
    for missing in standing.missing:
        console.print(f"  - {text(missing)}", soft_wrap=True)
