"""What every command needs: the settings, a client, and the options they share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # the command's help must not wait for pydantic and the HTTP client
    from cli.client import Client
    from utils.settings import Settings

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings() -> "Settings":
    """Read the settings of this process."""
    from utils.settings import read_settings  # noqa: PLC0415 - keeps `--help` quick

    return read_settings(os.environ, Path.cwd())


def client() -> "Client":
    """Open a client for the API of the settings."""
    from cli.client import Client  # noqa: PLC0415 - keeps `--help` quick

    given = settings()
    return Client(given.api_url, given.token)
