"""`trueline pause`: pause a deployment's schedule."""

import click

from cli.context import json_option
from cli.switch import switch_deployment


@click.command()
@click.argument("deployment")
@json_option
def command(*, deployment: str, as_json: bool) -> None:
    """Pause DEPLOYMENT (its name or id)."""
    switch_deployment(deployment, enabled=False, as_json=as_json)
