"""`trueline up`: the API and a worker, kept running."""

import json
import signal
from typing import TYPE_CHECKING

import click

from cli.context import environ, json_option, settings

if TYPE_CHECKING:  # only names in annotations
    from rich.console import Console

    from cli.client import Client


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[SETTINGS]...")
@json_option
def command(*, flags: tuple[str, ...], as_json: bool) -> None:
    """Run the API and a worker until Ctrl-C; prints the address.

    SETTINGS are flags as `python -m api` and `python -m worker` take them, such as --concurrency 4.
    With --json the first line of standard output is {"address": ...}; the rest goes to stderr.
    """
    from cli.progress import Progress  # noqa: PLC0415 - start-up time
    from cli.render import make_console, text  # noqa: PLC0415 - start-up time
    from cli.stack import Stack  # noqa: PLC0415 - start-up time
    from utils.settings import as_variables  # noqa: PLC0415 - start-up time
    from worker.stop_requests import Flag  # noqa: PLC0415 - start-up time

    console = make_console(stderr=as_json)
    stop = Flag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    given = settings(flags)
    variables = {**environ(), **as_variables(flags)}
    with Stack(given, variables, Progress(console)) as stack, stack.client() as api:
        if as_json:
            click.echo(json.dumps({"address": stack.address}))
        console.print(f"[bold]Trueline is at {text(stack.address)}[/] (Ctrl-C stops it)")
        console.print(f"logs         {text(given.data_dir / 'logs')}")
        if given.signing_key_file is not None:
            console.print("tokens       `trueline token create NAME --role ROLE` makes one")
        if stack.address != given.api_url:
            console.print(f"elsewhere    export TRUELINE_API_URL={text(stack.address)}")
        _register(api, console)
        while not stop.wait(0.5):
            stack.check()
        console.print("stopping: running jobs get a moment to finish ...")


def _register(api: "Client", console: "Console") -> None:
    """Register what the source lists; when it can't be read, what was registered goes on."""
    from cli.client import ApiProblem  # noqa: PLC0415 - start-up time
    from cli.render import print_problem, text  # noqa: PLC0415 - start-up time

    try:
        answer = api.send("POST", "//init-integrations")
    except ApiProblem as problem:
        if not api.items("/integrations", most=1):
            raise
        console.print("[red]source[/]       not registered again; what was registered before runs")
        print_problem(console, {"reason": problem.reason, "advice": problem.advice})
        return
    for rejected in answer["rejected"]:
        console.print(f"[red]rejected[/]     {text(rejected['name'])}")
        print_problem(console, rejected)
