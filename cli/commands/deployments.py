"""`trueline deployments`: what runs, and when."""

from collections.abc import Mapping
from typing import Any

import click

from cli.context import client, json_option


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """List the deployments."""
    from cli.listing import print_rows  # noqa: PLC0415 - start-up time
    from cli.render import state, text  # noqa: PLC0415 - start-up time

    with client() as api:
        rows = api.items("/deployments", most=10_000)
    cells = {
        "name": lambda row: text(row["name"]),
        "integration": lambda row: text(row["integration"]),
        "state": lambda row: state(row["state"]),
        "schedule": lambda row: text(_schedule(row)),
        "next due": lambda row: text(row["next_due_at"]),
        "problem": lambda row: text((row["problem"] or {}).get("reason")),
    }
    none = "no deployments yet; make one with `trueline deploy INTEGRATION`"
    print_rows(rows, cells, none=none, as_json=as_json)


def _schedule(row: Mapping[str, Any]) -> str:
    return f"{row['schedule']} ({row['timezone']})" if row["schedule"] else "on demand"
