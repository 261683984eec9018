"""`trueline list`: what integrations are in this checkout."""

from pathlib import Path

import click

from cli.context import json_option


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """List the integrations of this checkout: tier, tasks, state. Nothing of them is run."""
    from cli.inventory import integrations_of  # noqa: PLC0415 - start-up time
    from cli.listing import print_rows  # noqa: PLC0415 - start-up time
    from cli.reading.repository import find_repository  # noqa: PLC0415 - start-up time
    from cli.render import state, text  # noqa: PLC0415 - start-up time

    listed = list(integrations_of(find_repository(Path.cwd())))
    counts = {one.name: (one.count("collector"), one.count("insight")) for one in listed}
    cells = {
        "name": lambda row: text(row["name"]),
        "tier": lambda row: text(row["tier"] or "-"),
        "collectors": lambda row: str(counts[row["name"]][0]),
        "insights": lambda row: str(counts[row["name"]][1]),
        "state": lambda row: state(row["state"]),
        "title": lambda row: text(row["title"]),
    }
    none = "no integrations yet; begin one with `trueline new NAME`"
    print_rows([one.as_json() for one in listed], cells, none=none, as_json=as_json)
    if not as_json and any(one.errors for one in listed):
        from cli.render import make_console  # noqa: PLC0415 - start-up time

        make_console().print("[cyan]next:[/] trueline check tells what is broken")
