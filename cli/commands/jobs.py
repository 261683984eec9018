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
    from cli.render import make_console, print_json, state, table, text  # noqa: PLC0415 - start-up time

    with client() as api:
        rows = api.items("/jobs", limit, status=status, deployment=deployment)
    if as_json:
        print_json(rows)
        return
    console = make_console()
    if not rows:
        console.print("no jobs; run one with `trueline scan DEPLOYMENT`")
        return
    columns = ("job", "deployment", "status", "commit", "attempt", "created", "why")
    console.print(
        table(
            columns,
            [
                [
                    text(row["id"]),
                    text(row["deployment_name"]),
                    state(row["status"]),
                    text((row["commit"] or "")[:10]),
                    text(row["attempt"]),
                    text(row["created_at"]),
                    text((row["error"] or {}).get("reason")),
                ]
                for row in rows
            ],
        )
    )
