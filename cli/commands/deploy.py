"""`trueline deploy`: create or update a deployment."""

from pathlib import Path
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
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

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
    if as_json:
        print_json(deployment)
        return
    console = make_console()
    console.print(f"{done} {text(deployment['name'])} ({text(deployment['id'])})")
    console.print(f"run it: trueline scan {text(deployment['name'])} --wait")


def _check_same_integration(existing: dict[str, Any], integration: str) -> None:
    if existing["integration"] != integration:
        raise click.UsageError(
            f"the deployment {existing['name']!r} is one of {existing['integration']!r}; "
            "give this one another --name."
        )
