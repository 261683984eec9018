"""Every setting, read once at the start of a process: flags, `TRUELINE_*` variables, a file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from utils.errors import SettingsError
from utils.settings_jobs import JobSettings
from utils.settings_layers import (
    FILE,
    PREFIX,
    SEE_TABLE,
    Given,
    read_file,
    read_flags,
    read_variables,
    variable_of,
)
from utils.settings_records import RecordSettings
from utils.settings_secrets import SecretSettings
from utils.settings_serving import ServingSettings
from utils.settings_source import SourceSettings

__all__ = ["PREFIX", "Settings", "SettingsInForce", "read_settings", "settings_in_force"]

MASK = "********"
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^/\s]*@")


# Pydantic takes the fields of the last base first: read upwards for the order of the table.
class Settings(JobSettings, SourceSettings, SecretSettings, ServingSettings, RecordSettings):
    """One process's settings; each field is the variable `TRUELINE_<FIELD>` in capitals."""

    access_log: Literal["", "on", "off"] = Field(
        "", description="`on` or `off`: a log line for each request; empty: on where logs are JSON"
    )
    worker_metrics_port: int = Field(
        0, ge=0, le=65535, description="port of loopback with a worker's metrics; 0: none"
    )
    log_format: Literal["", "json", "text"] = Field(
        "", description="log lines; empty: text on a terminal, else JSON"
    )

    @property
    def logs_requests(self) -> bool:
        """Whether each request gets a log line; `log_format` says here what is in use."""
        return self.access_log == "on" or (self.access_log == "" and self.log_format == "json")


def flag_names() -> tuple[str, ...]:
    """Return the settings that may be flags: arguments can be read by all, secrets are none."""
    return tuple(name for name, field in Settings.model_fields.items() if field.repr)


@dataclass(frozen=True)
class SettingsInForce:
    """The settings, and of those that somebody gave where that stands."""

    settings: Settings
    places: Mapping[str, str]


def read_settings(environ: Mapping[str, str], cwd: Path, arguments: Sequence[str] = ()) -> Settings:
    """Read the settings; relative paths and the default source are resolved against `cwd`.

    `arguments` are flags: they go before variables, and these before the file. Raises
    SettingsError that names the flag, variable or line, with a did-you-mean for an unknown one.
    """
    return settings_in_force(environ, cwd, arguments).settings


def settings_in_force(
    environ: Mapping[str, str], cwd: Path, arguments: Sequence[str] = ()
) -> SettingsInForce:
    """Read the settings with where each comes from; raises as `read_settings` does."""
    names = tuple(Settings.model_fields)
    nearer = read_variables(environ, names) | read_flags(arguments, flag_names())
    farther = read_file(cwd / nearer[FILE].value, names) if FILE in nearer else {}
    given = farther | nearer
    try:
        settings = Settings.model_validate({name: one.value for name, one in given.items()})
    except ValidationError as error:
        raise _unusable(error, given) from error
    # Secret files keep their links: what a link leads to changes when a secret is renewed.
    paths = {name: (cwd / value).absolute() for name, value in settings if isinstance(value, Path)}
    resolved = settings.model_copy(
        update={
            **paths,
            "data_dir": paths["data_dir"].resolve(),
            "source_url": settings.source_url or _checkout_url(cwd),
            "api_url": _checked_api_url(settings.api_url, given.get("api_url")),
        }
    )
    return SettingsInForce(resolved, {name: one.place for name, one in given.items()})


def as_variables(arguments: Sequence[str]) -> dict[str, str]:
    """Return flags as the variables that do the same, for processes that are started."""
    given = read_flags(arguments, flag_names())
    return {variable_of(name): one.value for name, one in given.items()}


def shown_values(settings: Settings) -> dict[str, object]:
    """Return what may be shown of the settings: secrets and passwords in addresses are masked."""
    shown = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, str | Path):
            value = _PASSWORD.sub(rf"\1{MASK}@", str(value)) if field.repr else value and MASK
        shown[name] = value
    return shown


def _unusable(error: ValidationError, given: Mapping[str, Given]) -> SettingsError:
    first = error.errors(include_url=False)[0]
    message = first["msg"][:1].lower() + first["msg"][1:]
    name = str(first["loc"][0]) if first["loc"] else ""
    wrong = given.get(name)
    if wrong is None:  # what is wrong is how several of them go together
        return SettingsError(f"settings cannot be used: {message}", SEE_TABLE)
    shown = repr(first["input"]) if name in flag_names() else "what is given"
    return SettingsError(f"setting {wrong.place}: {shown} cannot be used: {message}", wrong.advice)


def _checkout_url(cwd: Path) -> str:
    for folder in (cwd, *cwd.parents):
        if (folder / ".git").exists():
            return folder.resolve().as_uri()
    return ""


def _checked_api_url(url: str, given: Given | None) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # the port is none
        usable = False
    if not usable:
        raise SettingsError(
            f"setting {given.place if given else 'api_url'}: {url!r} is not an http address",
            "give it as http://127.0.0.1:8340",
        )
    return url.rstrip("/")
