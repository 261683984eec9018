"""`trueline audit`: who changed what."""

from collections.abc import Mapping
from typing import Any

import click

from cli.context import client, json_option


@click.command()
@click.option("--principal", help="Only what this person or token did.")
@click.option("--action", help="Only this, such as deployments.change or login.enter.")
@click.option("--object", "object_id", help="Only what was done to this (as it was named).")
@click.option("--since", help="Only from this time on, such as 2026-11-20T06:00:00Z.")
@click.option(
    "--changed/--refused", default=None, help="Only changes, or only what changed nothing."
)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many."
)
@json_option
def command(*, limit: int, as_json: bool, **filters: Any) -> None:
    """List who changed what, newest first. Takes an admin's token."""
    from cli.listing import print_rows  # noqa: PLC0415 - start-up time
    from cli.render import text  # noqa: PLC0415 - start-up time

    with client() as api:
        rows = api.items("/audit", limit, **filters)
    cells = {
        "at": lambda row: text(row["at"]),
        "who": lambda row: text(f"{row['principal']} ({row['role'] or 'unknown'})"),
        "action": lambda row: text(row["action"]),
        "object": lambda row: text(row["object_id"]),
        "fields": lambda row: text(", ".join(row["fields"] or ())),
        "answer": lambda row: text(_answer(row)),
    }
    print_rows(rows, cells, none="nothing was changed yet", as_json=as_json)


def _answer(row: Mapping[str, Any]) -> str:
    status = "no answer" if row["status"] is None else str(row["status"])
    said = f"{status}, changed" if row["changed"] else status
    return f"{said}: {row['reason']}" if row["reason"] else said
