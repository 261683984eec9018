"""`trueline webhooks`: who is told of what, and what became of it."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from cli.context import client, json_option
from cli.exits import SEVERITIES

STATUSES = ("pending", "delivered", "dead", "all")
JOB_ENDS = ("success", "partial", "failed", "cancelled")
name_argument = click.argument("webhook", metavar="NAME")


@click.group()
def command() -> None:
    """List, add and try webhooks, and see their deliveries."""


@command.command("list")
@json_option
def list_all(*, as_json: bool) -> None:
    """List the webhooks."""
    from cli.listing import print_rows  # noqa: PLC0415 - start-up time
    from cli.render import text  # noqa: PLC0415 - start-up time

    with client() as api:
        rows = api.items("/webhooks", most=1_000)
    cells = {
        "name": lambda row: text(row["name"]),
        "kind": lambda row: text(row["kind"]),
        "address": lambda row: text(row["address"]),
        "enabled": lambda row: "yes" if row["enabled"] else "no",
        "problem": lambda row: text((row["problem"] or {}).get("reason")),
    }
    none = "no webhooks yet; add one with `trueline webhooks add NAME URL`"
    print_rows(rows, cells, none=none, as_json=as_json)


@command.command()
@name_argument
@click.argument("url", metavar="URL")
@click.option("--apprise", is_flag=True, help="URL is an address of apprise: tell people.")
@click.option("--type", "types", multiple=True, help="Only events of this type; repeatable.")
@click.option("--integration", help="Only what concerns this integration.")
@click.option("--deployment", help="Only what concerns this deployment (its name or id).")
@click.option("--min-severity", type=click.Choice(SEVERITIES), help="Violations from this one on.")
@click.option(
    "--job-status",
    "job_statuses",
    multiple=True,
    type=click.Choice(JOB_ENDS),
    help="Only jobs that ended so; repeatable.",
)
@json_option
def add(*, webhook: str, url: str, apprise: bool, as_json: bool, **filters: Any) -> None:
    """Add the webhook NAME that sends to URL; `-` reads URL from standard input."""
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

    address = sys.stdin.readline().strip() if url == "-" else url
    kind = "apprise" if apprise else "webhook"
    wanted = {name: value for name, value in filters.items() if value}
    with client() as api:
        made = api.post("/webhooks", {"name": webhook, "url": address, "kind": kind} | wanted)
    if as_json:
        print_json(made)
        return
    console = make_console()
    console.print(f"webhook {text(made['name'])} sends to {text(made['address'])}")
    if made["secret"]:
        console.print(f"its secret, shown this once: {text(made['secret'])}")


@command.command()
@name_argument
@json_option
def test(*, webhook: str, as_json: bool) -> None:
    """Send an event that says nothing to the webhook NAME."""
    from cli.client import address_part  # noqa: PLC0415 - start-up time

    with client() as api:
        _show(api.post(f"/webhooks/{address_part(webhook)}/test"), as_json=as_json)


@command.command()
@name_argument
@json_option
def remove(*, webhook: str, as_json: bool) -> None:
    """Delete the webhook NAME and what waits for it."""
    from cli.client import address_part  # noqa: PLC0415 - start-up time
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

    with client() as api:
        api.send("DELETE", f"/webhooks/{address_part(webhook)}")
    if as_json:
        print_json({"removed": webhook})
        return
    make_console().print(f"webhook {text(webhook)} is removed")


@command.command()
@click.option("--webhook", help="Only those of this webhook (its name or id).")
@click.option("--status", type=click.Choice(STATUSES), default="all", show_default=True)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many."
)
@json_option
def deliveries(*, webhook: str | None, status: str, limit: int, as_json: bool) -> None:
    """List deliveries, newest first."""
    from cli.listing import print_rows  # noqa: PLC0415 - start-up time
    from cli.render import text  # noqa: PLC0415 - start-up time

    wanted = None if status == "all" else status
    with client() as api:
        rows = api.items("/deliveries", limit, status=wanted, webhook=webhook)
    cells = {
        "id": lambda row: text(row["id"]),
        "type": lambda row: text(row["type"]),
        "status": lambda row: text(row["status"]),
        "tries": lambda row: str(row["attempts"]),
        "error": lambda row: text(row["error"]),
    }
    print_rows(rows, cells, none="no deliveries", as_json=as_json)


@command.command()
@click.argument("delivery", metavar="ID")
@json_option
def redeliver(*, delivery: str, as_json: bool) -> None:
    """Send the delivery ID again."""
    from cli.client import address_part  # noqa: PLC0415 - start-up time

    with client() as api:
        _show(api.post(f"/deliveries/{address_part(delivery)}/redeliver"), as_json=as_json)


def _show(delivery: Mapping[str, Any], *, as_json: bool) -> None:
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

    if as_json:
        print_json(delivery)
        return
    make_console().print(
        f"delivery {text(delivery['id'])} is {text(delivery['status'])}; "
        "`trueline webhooks deliveries` shows what becomes of it"
    )
