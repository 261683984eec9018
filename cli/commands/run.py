"""`trueline run`: an integration from this checkout, without an API."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.config import config_option, read_config, set_option
from cli.context import environ, json_option, settings
from cli.exits import UNFINE_ENDS, Exit, exit_for_run, fail_on_option

if TYPE_CHECKING:  # only names in annotations
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from cli.local_run import Outcome, Wish
    from utils.manifest import Entry

_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("name")
@config_option
@set_option
@click.option("--task", metavar="TASK", help="Run this task and what it needs, and no other.")
@click.option("--watch", is_flag=True, help="Run again whenever the integration's files change.")
@click.option("--record", type=_DIRECTORY, help="Keep the HTTP exchanges, without secrets, here.")
@click.option("--record-as", metavar="URL", help="Write servers of loopback down under this URL.")
@click.option("--replay", type=_DIRECTORY, help="Answer HTTP requests from here; no network.")
@click.option("--debug", is_flag=True, help="Show what tasks log, DEBUG lines and requests too.")
@fail_on_option
@json_option
def command(  # noqa: PLR0913 - the options of the command
    *,
    name: str,
    config_file: Path | None,
    assignments: tuple[str, ...],
    task: str | None,
    watch: bool,
    record: Path | None,
    record_as: str | None,
    replay: Path | None,
    debug: bool,
    fail_on: str | None,
    as_json: bool,
) -> Exit:
    """Run the integration NAME from this checkout as it is now, without an API.

    Its files need no commit. Nothing is recorded unless asked for. Exits with 3 when the run
    failed.
    """
    from cli.local_run import find_checkout, read_entry  # noqa: PLC0415 - start-up time
    from cli.scaffold.wanted import checked_base_url  # noqa: PLC0415 - same

    if record and replay:
        raise click.UsageError("--record and --replay: give one of them.")
    if record_as and not record:
        raise click.UsageError("--record-as says how to write down what --record DIR records.")
    if watch and as_json:
        raise click.UsageError("--watch shows run after run: leave --json out.")
    if watch and str(config_file) == "-":
        raise click.UsageError("--watch reads the config again: give --config a file.")
    checkout = find_checkout(Path.cwd())
    name_of_loopback = checked_base_url(record_as) if record_as else None

    def ask() -> "tuple[Entry, Mapping[str, Any], Wish]":
        entry = read_entry(checkout, name)
        wish = replace(_wish(task, record, replay), record_as=name_of_loopback, debug=debug)
        return entry, _config(entry, config_file, assignments), wish

    if watch:
        watched = [path for path in (config_file, replay) if path]
        _watch(checkout, name, ask, watched)
    return _run_once(checkout, ask, fail_on, as_json=as_json)


def _run_once(
    checkout: Path,
    ask: "Callable[[], tuple[Entry, Mapping[str, Any], Wish]]",
    fail_on: str | None,
    *,
    as_json: bool,
) -> Exit:
    from cli.local_run import LocalWorker  # noqa: PLC0415 - start-up time
    from cli.render import make_console  # noqa: PLC0415 - same

    entry, config, wish = ask()
    console = make_console(stderr=as_json)
    teller = _teller(console, as_lines=as_json, with_logs=wish.debug)
    here = LocalWorker(settings(), environ(), teller)
    outcome = here.run(checkout, entry, config, wish)
    _show(outcome, wish, console, as_json=as_json)
    return exit_for_run(outcome.end.status, outcome.violations(), fail_on)


def _watch(
    checkout: Path,
    name: str,
    ask: "Callable[[], tuple[Entry, Mapping[str, Any], Wish]]",
    watched: list[Path],
) -> None:
    """Run again and again, in an environment and a warm process that are kept, until Ctrl-C."""
    from cli.imports import imported_modules  # noqa: PLC0415 - start-up time
    from cli.local_run import ONE_WARM, LocalWorker  # noqa: PLC0415 - same
    from cli.render import make_console, print_problem  # noqa: PLC0415 - same
    from cli.watching import rerun_at_changes  # noqa: PLC0415 - same
    from utils.errors import TruelineError  # noqa: PLC0415 - same
    from utils.manifest import MANIFEST  # noqa: PLC0415 - same
    from utils.tree import INTEGRATIONS  # noqa: PLC0415 - same

    console = make_console()
    folder = checkout / INTEGRATIONS / name
    *_, wish = ask()  # what is wrong before the first run ends it
    teller = _teller(console, as_lines=False, with_logs=wish.debug)
    here = LocalWorker(settings(), environ(), teller)
    with here.open(ONE_WARM, alone=wish.replay is not None) as session:

        def run() -> None:
            try:
                entry, config, wish = ask()
                prepared = session.prepare(checkout, entry, imported_modules(folder))
                _show(session.run(prepared, entry, config, wish), wish, console, as_json=False)
            except (TruelineError, click.UsageError) as error:
                reason = getattr(error, "reason", str(error))
                print_problem(console, {"reason": reason, "advice": getattr(error, "advice", "")})
            console.print("[dim]waiting for a change (Ctrl-C ends this)[/]")

        rerun_at_changes([folder, checkout / MANIFEST, *watched], run)


def _teller(
    console: "Console", *, as_lines: bool, with_logs: bool
) -> "Callable[[dict[str, Any]], None]":
    """Return what prints events as they come; a task has a line, or its row in the table."""
    from cli.following import print_event, print_logs  # noqa: PLC0415 - start-up time

    def tell(event: dict[str, Any]) -> None:
        if with_logs:
            print_logs(event, console)
        if as_lines or event["type"] != "task_finished":
            print_event(event, console)

    return tell


def _config(
    entry: "Entry", config_file: Path | None, assignments: tuple[str, ...]
) -> "Mapping[str, Any]":
    from cli.local_run import check_config  # noqa: PLC0415 - start-up time

    config = read_config(config_file, assignments)
    check_config(entry, config)
    return config


def _wish(task: str | None, record: Path | None, replay: Path | None) -> "Wish":
    from cli.local_run import Wish  # noqa: PLC0415 - start-up time
    from utils.exchange_file import read_exchanges  # noqa: PLC0415 - same

    return Wish(
        only=(task,) if task else None,
        record=record,
        replay=read_exchanges(replay) if replay else None,
    )


def _show(outcome: "Outcome", wish: "Wish", console: "Console", *, as_json: bool) -> None:
    from cli.render import print_json, print_problem, print_violations, state  # noqa: PLC0415 - same
    from cli.task_table import print_tasks  # noqa: PLC0415 - same

    end: dict[str, Any] = {"status": outcome.end.status, "error": outcome.end.error}
    if as_json:
        print_json({**end, "tasks": outcome.results, "network": outcome.network})
    else:
        print_tasks(console, outcome.results)
        console.print(f"run: {state(outcome.end.status)}")
        print_problem(console, outcome.end.error)
        if outcome.violations() or outcome.end.status not in UNFINE_ENDS:
            print_violations(console, outcome.violations(), "violations")
    if wish.record:
        console.print(f"{outcome.recorded} exchanges recorded in {wish.record}", markup=False)
