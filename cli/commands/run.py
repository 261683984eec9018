"""`trueline run`: an integration from this checkout, without an API."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.config import config_option, read_config, set_option
from cli.context import environ, json_option, settings
from cli.exits import UNFINE_ENDS, Exit, exit_for_run, fail_on_option

if TYPE_CHECKING:  # only names in annotations
    from rich.console import Console

    from cli.local_run import Outcome


@click.command()
@click.argument("name")
@config_option
@set_option
@fail_on_option
@json_option
def command(
    *,
    name: str,
    config_file: Path | None,
    assignments: tuple[str, ...],
    fail_on: str | None,
    as_json: bool,
) -> Exit:
    """Run the integration NAME from this checkout as it is now, without an API.

    Its files need no commit. Nothing is recorded. Exits with 3 when the run failed.
    """
    from cli.following import print_event  # noqa: PLC0415 - start-up time
    from cli.local_run import (  # noqa: PLC0415 - start-up time
        LocalWorker,
        check_config,
        find_checkout,
        read_entry,
    )
    from cli.render import make_console  # noqa: PLC0415 - start-up time

    checkout = find_checkout(Path.cwd())
    entry = read_entry(checkout, name)
    config = read_config(config_file, assignments)
    check_config(entry, config)
    console = make_console(stderr=as_json)
    here = LocalWorker(settings(), environ(), lambda event: print_event(event, console))
    outcome = here.run(checkout, entry, config)
    _show(outcome, console, as_json=as_json)
    return exit_for_run(outcome.end.status, outcome.violations(), fail_on)


def _show(outcome: "Outcome", console: "Console", *, as_json: bool) -> None:
    from cli.render import print_json, print_problem, print_violations, state  # noqa: PLC0415 - same

    end: dict[str, Any] = {"status": outcome.end.status, "error": outcome.end.error}
    if as_json:
        print_json({**end, "tasks": outcome.results, "network": outcome.network})
        return
    console.print(f"run: {state(outcome.end.status)}")
    print_problem(console, outcome.end.error)
    if outcome.violations() or outcome.end.status not in UNFINE_ENDS:
        print_violations(console, outcome.violations(), "violations")
