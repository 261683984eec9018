"""Where settings come from: flags, variables and a file, each value with its place."""

import argparse
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from utils.errors import SettingsError
from utils.suggest import did_you_mean

PREFIX = "TRUELINE_"
NOT_SETTINGS = frozenset({"FAILPOINT"})  # read where it acts, by utils.failpoints
FILE = "config_file"
FILE_FLAG = "--settings"
SEE_TABLE = "see the settings table in docs/operating.md"
_LARGEST_FILE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Given:
    """A value as text, how its place is called, and how to be rid of it."""

    value: str
    place: str
    undo: str

    @property
    def advice(self) -> str:
        """Say what to do when it cannot be used."""
        return f"correct {self.undo}"


def read_variables(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, Given]:
    """Read the `TRUELINE_*` variables; one that is empty is unset, as compose files leave it."""
    known = {variable_of(name): name for name in names}
    given = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable.removeprefix(PREFIX) in NOT_SETTINGS:
            continue
        if variable not in known:
            raise SettingsError(
                f"unknown setting {variable}{did_you_mean(variable, known)}",
                f"unset it, or {SEE_TABLE}",
            )
        if value:
            given[known[variable]] = Given(value, variable, f"{variable} or unset it")
    return given


def read_flags(arguments: Sequence[str], names: Sequence[str]) -> dict[str, Given]:
    """Read `--name value` and `--name=value`; raises SettingsError for what is no setting."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    add_flags(parser, names)
    found, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        flag = unknown[0].partition("=")[0]
        near = did_you_mean(flag, [FILE_FLAG, *(flag_of(name) for name in names)])
        raise SettingsError(f"unknown flag {flag}{near}", f"leave it out, or {SEE_TABLE}")
    given = {name: value for name, value in vars(found).items() if value}
    return {
        name: Given(value, flag_of(name), f"{flag_of(name)} or leave it out")
        for name, value in given.items()
    }


def add_flags(
    parser: argparse.ArgumentParser, names: Sequence[str], about: Mapping[str, str] | None = None
) -> None:
    """Let a parser know a flag for each setting."""
    for name in names:
        parser.add_argument(
            flag_of(name),
            dest=name,
            metavar="FILE" if name == FILE else "VALUE",
            help=(about or {}).get(name, "").replace("%", "%%"),
        )


def read_file(path: Path, names: Sequence[str]) -> dict[str, Given]:
    """Read a TOML file whose keys are the settings' names in small letters."""
    text = _read_text(path)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings file {path}: {error}", "correct that line") from error
    given = {}
    for key, value in found.items():
        place = f"{path}:{_line_of(key, text)}"
        if key not in names or key == FILE:
            near = did_you_mean(key, [name for name in names if name != FILE])
            raise SettingsError(
                f"{place}: unknown setting {key!r}{near}", f"remove it, or {SEE_TABLE}"
            )
        if not isinstance(value, str | int | float):
            raise SettingsError(
                f"{place}: {key} is a {type(value).__name__}", "give it as a text or a number"
            )
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        if shown:
            given[key] = Given(shown, f"{key} ({place})", f"{key} in {place} or remove it")
    return given


def variable_of(name: str) -> str:
    """Return the variable of a setting."""
    return PREFIX + name.upper()


def flag_of(name: str) -> str:
    """Return the flag of a setting."""
    return FILE_FLAG if name == FILE else "--" + name.replace("_", "-")


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise SettingsError(f"settings file {path} is over 1 MiB", "name the right file")
        return path.read_text("utf-8")
    except OSError as error:
        raise SettingsError(
            f"settings file {path} cannot be read: {error.strerror}",
            f"correct {PREFIX}CONFIG_FILE or {FILE_FLAG}, or the file's owner and mode",
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"settings file {path} is not UTF-8", "save it as UTF-8") from error


def _line_of(key: str, text: str) -> int:
    pattern = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}\b""")
    lines = text.splitlines()
    return next((number for number, line in enumerate(lines, 1) if pattern.match(line)), 1)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Tell of a flag without a value as of every other wrong setting."""
        raise SettingsError(message, SEE_TABLE)
