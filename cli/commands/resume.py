"""`trueline resume`: resume a deployment's schedule."""

import click

from cli.context import json_option
from cli.switch import switch_deployment


@click.command()
@click.argument("deployment")
@json_option
def command(*, deployment: str, as_json: bool) -> None:
    """Resume DEPLOYMENT (its name or id)."""
    switch_deployment(deployment, enabled=True, as_json=as_json)
