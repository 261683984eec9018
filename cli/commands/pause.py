"""`trueline pause`: pause a deployment's schedule."""

import click

from cli.switch import switch_deployment


@click.command()
@click.argument("deployment")
def command(*, deployment: str) -> None:
    """Pause DEPLOYMENT (its name or id)."""
    switch_deployment(deployment, enabled=False)
