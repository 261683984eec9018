"""A deployment's config as a person gives it: a JSON file, and `--set key=value`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="JSON file with the config; - reads standard input.",
)
set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="One value of the config; JSON where it parses, else text. May be repeated.",
)

_ADVICE = 'Give it a file such as {"url": "https://api.example.com"}, or single values by --set.'


def read_config(config_file: Path | None, assignments: Sequence[str]) -> dict[str, Any]:
    """Return the config of the file with the assignments on top."""
    config = _read_file(config_file) if config_file else {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key:
            raise click.UsageError(f"--set {assignment!r}: give it as KEY=VALUE.")
        config[key] = _value(value)
    return config


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with click.open_file(str(path), encoding="utf-8") as file:
            config = json.load(file)
    except OSError as error:
        raise click.UsageError(f"--config {path}: {error.strerror}. {_ADVICE}") from error
    except ValueError as error:
        raise click.UsageError(f"--config {path} is not JSON: {error}. {_ADVICE}") from error
    if not isinstance(config, dict):
        raise click.UsageError(f"--config {path} is no JSON object at its top. {_ADVICE}")
    return config


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
