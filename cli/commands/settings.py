"""`trueline settings`: what is in force, and where each value comes from."""

from pathlib import Path
from typing import Any

import click

from cli.context import environ, json_option


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[SETTINGS]...")
@json_option
def command(*, flags: tuple[str, ...], as_json: bool) -> None:
    """Print every setting in force and where it comes from; secrets are masked.

    SETTINGS are flags as `python -m api` takes them, such as --api-port 9000.
    """
    from cli.render import make_console, print_json, table, text  # noqa: PLC0415 - start-up time
    from utils.settings import settings_in_force, shown_values  # noqa: PLC0415 - start-up time
    from utils.settings_layers import variable_of  # noqa: PLC0415 - start-up time

    found = settings_in_force(environ(), Path.cwd(), flags)
    rows: list[dict[str, Any]] = [
        {"setting": variable_of(name), "value": value, "from": found.places.get(name, "default")}
        for name, value in shown_values(found.settings).items()
    ]
    if as_json:
        print_json({"settings": rows})
        return
    cells = ([text(value) for value in row.values()] for row in rows)
    make_console().print(table(("setting", "value", "from"), cells))
