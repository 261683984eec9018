"""What every command needs: variables, settings, a client, and the options they share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # the command's help must not wait for pydantic and the HTTP client
    from cli.client import Client
    from utils.settings import Settings

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def environ() -> Mapping[str, str]:
    """Return the variables of this process, which `cli.main` read at its start."""
    variables: Mapping[str, str] = click.get_current_context().obj
    return variables


def settings(flags: Sequence[str] = ()) -> "Settings":
    """Read the settings of this process; `flags` go before variables."""
    from utils.settings import read_settings  # noqa: PLC0415 - keeps `--help` quick

    return read_settings(environ(), Path.cwd(), flags)


def client() -> "Client":
    """Open a client for the API of the settings."""
    from cli.client import Client  # noqa: PLC0415 - keeps `--help` quick

    given = settings()
    return Client(given.api_url, given.bearer_token)
