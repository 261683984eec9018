"""`trueline violations`: what is not as it should be."""

import click

from cli.context import client, json_option
from cli.exits import SEVERITIES, Exit, exit_for_violations, fail_on_option

STATUSES = ("open", "acknowledged", "muted", "resolved", "all")


@click.command()
@click.option(
    "--status", type=click.Choice(STATUSES), default="open", show_default=True, help="Which."
)
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only this severity.")
@click.option("--integration", help="Only violations that this integration found.")
@click.option("--deployment", help="Only violations of this deployment (its name or id).")
@click.option(
    "--limit", default=500, show_default=True, type=click.IntRange(1, 100_000), help="How many."
)
@fail_on_option
@json_option
def command(
    *, status: str, limit: int, fail_on: str | None, as_json: bool, **filters: str | None
) -> Exit:
    """List violations, the worst first."""
    from cli.render import (  # noqa: PLC0415 - start-up time
        make_console,
        print_json,
        print_violations,
    )

    wanted = None if status == "all" else status
    with client() as api:
        rows = api.items("/violations", limit, status=wanted, **filters)
    if as_json:
        print_json(rows)
    else:
        kind = "violations" if wanted is None else f"{wanted} violations"
        print_violations(make_console(), rows, kind)
    return exit_for_violations(rows, fail_on)
