"""`trueline resume`: resume a deployment's schedule."""

import click

from cli.switch import switch_deployment


@click.command()
@click.argument("deployment")
def command(*, deployment: str) -> None:
    """Resume DEPLOYMENT (its name or id)."""
    switch_deployment(deployment, enabled=True)
