"""`trueline integrations`: what is registered, and in which state."""

import click

from cli.context import client, json_option


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """List the integrations and their state."""
    from cli.listing import print_rows  # noqa: PLC0415 - start-up time
    from cli.render import make_console, print_problem, state, text  # noqa: PLC0415 - start-up time

    with client() as api:
        rows = api.items("/integrations", most=10_000)
    cells = {
        "name": lambda row: text(row["name"]),
        "state": lambda row: state(row["state"]),
        "tasks": lambda row: str(len(row["tasks"] or [])),
        "tier": lambda row: text(row.get("tier") or "-"),
        "hosts": lambda row: text(_hosts(row["hosts"])),
        "commit": lambda row: text((row["commit"] or "")[:10]),
        "title": lambda row: text(row["title"]),
    }
    none = "no integrations yet; register those of the source with `trueline init`"
    print_rows(rows, cells, none=none, as_json=as_json)
    for row in () if as_json else rows:
        if row["problem"]:
            make_console().print(f"[red]{text(row['name'])}[/]")
            print_problem(make_console(), row["problem"])


def _hosts(declared: list[str] | None) -> str:
    return "-" if declared is None else ", ".join(declared) or "none"
