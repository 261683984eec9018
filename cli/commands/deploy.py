"""`trueline deploy`: create or update a deployment."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

import click

from cli.config import config_option, read_config, set_option
from cli.context import client, json_option


@click.command()
@click.argument("integration")
@click.option("--name", help="The deployment's name; the integration's when left out.")
@config_option
@set_option
@click.option("--schedule", help="A cron line, or `every 15m`; `none` takes it away.")
@click.option("--timezone", help="Zone of the schedule, such as Europe/Berlin; UTC when left out.")
@json_option
def command(
    *,
    integration: str,
    name: str | None,
    config_file: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    **when: str | None,
) -> None:
    """Create a deployment of INTEGRATION, or update the one of that name."""
    from cli.client import ApiProblem, address_part  # noqa: PLC0415 - start-up time
    from cli.render import print_json  # noqa: PLC0415 - start-up time

    body: dict[str, Any] = {key: value for key, value in when.items() if value is not None}
    if body.get("schedule") == "none":
        body["schedule"] = None
    if config_file or assignments:
        body["config"] = read_config(config_file, assignments)
    name = name or integration
    with client() as api:
        try:
            existing = api.get(f"/deployments/{address_part(name)}")
        except ApiProblem as problem:
            if problem.status != 404:
                raise
            new = {"name": name, "integration": integration, "config": {}, **body}
            deployment, done = api.post("/deployments", new), "created"
        else:
            _check_same_integration(existing, integration)
            deployment, done = (
                api.send("PATCH", f"/deployments/{existing['id']}", body=body),
                "updated",
            )
        of = api.get(f"/integrations/{deployment['integration']}")
    if as_json:
        print_json(deployment)
    else:
        _show(deployment, done, of)


def _show(deployment: Mapping[str, Any], done: str, integration: Mapping[str, Any]) -> None:
    from cli.render import make_console, print_problem, text  # noqa: PLC0415 - start-up time

    console = make_console()
    console.print(f"{done} {text(deployment['name'])} ({text(deployment['id'])})")
    if integration["state"] == "broken":
        serves = "its last good commit runs" if integration["environment"] else "it cannot run yet"
        console.print(f"[yellow]note[/] {text(integration['name'])} is broken: {serves}")
        print_problem(console, integration["problem"])
    console.print(f"run it: trueline scan {text(quote(deployment['name']))} --wait")


def _check_same_integration(existing: dict[str, Any], integration: str) -> None:
    if existing["integration"] != integration:
        raise click.UsageError(
            f"the deployment {existing['name']!r} is one of {existing['integration']!r}; "
            "give this one another --name."
        )
