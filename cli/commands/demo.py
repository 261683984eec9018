"""`trueline demo`: everything once, on this very repository."""

from typing import TYPE_CHECKING

import click

from cli.context import environ, json_option, settings
from cli.exits import UNFINE_ENDS, Exit, exit_for_violations, fail_on_option

if TYPE_CHECKING:  # only names in annotations
    from rich.console import Console

    from cli.client import Client

READY_SECONDS = 900.0  # the first run downloads and builds
DEPLOYMENTS = {"hello-world": "hello_world", "this-repository": "repository_audit"}


@click.command()
@fail_on_option
@json_option
def command(*, fail_on: str | None, as_json: bool) -> Exit:
    """Audit this repository once and print what was found.

    Starts an API and a worker on loopback, registers the integrations of this checkout's last
    commit, runs them, prints violations, and stops. Results stay for `trueline up`.
    """
    from cli.progress import Progress  # noqa: PLC0415 - start-up time
    from cli.render import make_console  # noqa: PLC0415 - start-up time
    from cli.stack import Stack  # noqa: PLC0415 - start-up time

    given = settings().model_copy(update={"api_port": 0})
    console = make_console(stderr=as_json)
    with (
        Stack(given, environ(), Progress(console)) as stack,
        stack.client() as api,
    ):
        api.send("POST", "//init-integrations")
        stack.wait_until_ready(READY_SECONDS)
        for name, integration in DEPLOYMENTS.items():
            _scan(api, name, integration, console)
        code = _show_violations(api, fail_on, as_json=as_json)
    _say_how_to_see_more(console)
    return code


def _scan(api: "Client", name: str, integration: str, console: "Console") -> None:
    from cli.client import ApiProblem  # noqa: PLC0415 - start-up time
    from cli.following import follow_job  # noqa: PLC0415 - start-up time
    from cli.render import print_problem  # noqa: PLC0415 - start-up time

    try:
        api.get(f"/deployments/{name}")
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        api.post("/deployments", {"name": name, "integration": integration, "config": {}})
    job = api.post(f"/deployments/{name}/jobs")
    console.print(f"\n[bold]{name}[/] ({integration})")
    follow_job(api, job["job_id"], console)
    print_problem(console, api.wait(job["job_id"])["error"])


def _show_violations(api: "Client", fail_on: str | None, *, as_json: bool) -> Exit:
    from cli.render import (  # noqa: PLC0415 - start-up time
        make_console,
        print_json,
        print_violations,
    )

    violations = api.items("/violations", most=500, status="open")
    ended = [_last_job(api, name) for name in DEPLOYMENTS]
    failed = [job for job in ended if job["status"] in UNFINE_ENDS]
    if as_json:
        print_json({"violations": violations, "failed_jobs": failed})
    else:
        console = make_console()
        console.print()
        if violations or not failed:
            print_violations(console, violations, "open violations")
    return Exit.FAILED if failed else exit_for_violations(violations, fail_on)


def _last_job(api: "Client", deployment: str) -> dict[str, object]:
    return api.items("/jobs", most=1, deployment=deployment)[0]


def _say_how_to_see_more(console: "Console") -> None:
    console.print("\nSee more:")
    console.print("  make up                              the web page, and both kept running")
    console.print("  .venv/bin/trueline violations        the same list, while `make up` runs")
    console.print("  .venv/bin/trueline deploy repository_audit --name other --set url=URL")
    console.print("                                       audit another repository")
