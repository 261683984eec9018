"""`trueline jobs`: what ran, and what waits."""

import click

from cli.context import client, json_option


@click.command()
@click.option("--status", help="Only jobs in this state, such as running or failed.")
@click.option("--deployment", help="Only jobs of this deployment (its name or id).")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many."
)
@json_option
def command(*, status: str | None, deployment: str | None, limit: int, as_json: bool) -> None:
    """List recent jobs, newest first."""
    from cli.listing import print_rows  # noqa: PLC0415 - start-up time
    from cli.render import state, text  # noqa: PLC0415 - start-up time

    with client() as api:
        rows = api.items("/jobs", limit, status=status, deployment=deployment)
    cells = {
        "job": lambda row: text(row["id"]),
        "deployment": lambda row: text(row["deployment_name"]),
        "status": lambda row: state(row["status"]),
        "commit": lambda row: text((row["commit"] or "")[:10]),
        "attempt": lambda row: text(row["attempt"]),
        "worker": lambda row: text(row["worker"]),
        "created": lambda row: text(row["created_at"]),
        "why": lambda row: text((row["error"] or {}).get("reason")),
    }
    none = "no jobs; run one with `trueline scan DEPLOYMENT`"
    print_rows(rows, cells, none=none, as_json=as_json)
