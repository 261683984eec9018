"""The manifest: which integrations a commit offers, and why some of its entries are refused."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from utils.config_schema import BadSchema, check_schema
from utils.errors import ManifestError
from utils.hosts import first_bad
from utils.json_bounds import check_bounds
from utils.mirror import Mirror
from utils.objects import NotInCommit
from utils.suggest import did_you_mean
from utils.tree import INTEGRATIONS, CheckedTree

MANIFEST = "integrations.json"
ENTRY = "entry.py"
SIZE_LIMIT_BYTES = 4 * 1024 * 1024
ENTRY_LIMIT = 2_000
HOST_LIMIT = 200
_FIX = f"correct {MANIFEST} and push"
_NAME = r"^[a-z][a-z0-9_]{0,63}$"
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Entry:
    """An integration as the manifest lists it."""

    name: str
    title: str
    description: str
    enabled: bool
    schema: Mapping[str, Any]
    hosts: tuple[str, ...] | None = None  # what its jobs reach; None: it does not say


@dataclass(frozen=True)
class Rejected:
    """An entry that cannot be used; one without a usable name is called `entry N`."""

    name: str
    reason: str
    advice: str


@dataclass(frozen=True)
class Manifest:
    """What a manifest lists, in its order."""

    entries: tuple[Entry, ...]
    rejected: tuple[Rejected, ...]


def is_name(text: str) -> bool:
    """Tell whether an integration could have this name."""
    return re.fullmatch(_NAME, text) is not None


def manifest_at(mirror: Mirror, commit: str, tree: CheckedTree | None = None) -> Manifest:
    """Read the manifest of a commit and check it against the folders there, without a checkout.

    `tree` are the commit's files where the caller knows them already. Raises SourceError when the
    commit cannot be had, ManifestError when the whole manifest is unusable.
    """
    tree = tree or mirror.tree(commit)
    try:
        text = mirror.read_file(commit, MANIFEST, tree)
    except NotInCommit as error:
        raise ManifestError(error.reason, error.advice) from error
    folders = tree.integrations
    return read_manifest(text, folders, folder_problems(tree, folders))


def folder_problems(tree: CheckedTree, folders: Collection[str]) -> dict[str, str]:
    """Return why folders of a commit cannot be used as integrations, by their names."""
    files = {entry.path for entry in tree.files} | set(tree.links)
    problems = {
        name: f"the folder {INTEGRATIONS}/{name} has no {ENTRY}"
        for name in folders
        if f"{INTEGRATIONS}/{name}/{ENTRY}" not in files
    }
    return problems | tree.rejected


def read_manifest(
    text: bytes, folders: Collection[str], problems: Mapping[str, str] = _NONE
) -> Manifest:
    """Check a manifest against the folders that stand beside it in `integrations/`.

    `problems` maps folders that cannot be used to the reason. A bad entry spoils only itself;
    ManifestError is raised when the document as a whole cannot be read.
    """
    document = _parse(text)
    twice = _duplicates(document)
    entries: list[Entry] = []
    rejected: list[Rejected] = []
    for position, raw in enumerate(document, start=1):
        name = _name_of(raw)
        try:
            if name in twice:
                raise _Refused(_said_twice(name, twice[name]), f"keep one of them; {_FIX}")
            entry = _read_entry(raw)
            _check_folder(entry.name, folders, problems)
            entries.append(entry)
        except ManifestError as error:
            about = f"entry {position}"
            reason = f"{about} ({name}): {error.reason}" if name else f"{about}: {error.reason}"
            rejected.append(Rejected(name or about, reason, error.advice))
    return Manifest(tuple(entries), tuple(rejected))


class _Refused(ManifestError):  # noqa: N818 - reads as the state it reports
    """This entry cannot be used."""


class _RawEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(pattern=_NAME)
    title: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=10_000)
    enabled: bool = True
    config_schema: dict[str, Any] = Field(default_factory=dict, alias="schema")
    hosts: list[str] | None = Field(None, max_length=HOST_LIMIT)


def _parse(text: bytes) -> list[Any]:
    if len(text) > SIZE_LIMIT_BYTES:
        raise ManifestError(f"{MANIFEST} has {len(text)} bytes, more than {SIZE_LIMIT_BYTES}", _FIX)
    if not text.strip():
        raise ManifestError(
            f"{MANIFEST} is empty",
            "restore its entries, or write [] where there are none, and push",
        )
    try:
        document = json.loads(
            text.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{MANIFEST} is not UTF-8: byte {error.start} is {text[error.start]:#04x}", _FIX
        ) from error
    except json.JSONDecodeError as error:
        raise ManifestError(
            f"{MANIFEST} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}", _FIX
        ) from error
    except RecursionError as error:
        raise ManifestError(f"{MANIFEST} is nested too deeply", _FIX) from error
    except ValueError as error:  # a number of thousands of digits
        raise ManifestError(f"{MANIFEST} is not usable: {error}", _FIX) from error
    if not isinstance(document, list):
        raise ManifestError(f"{MANIFEST} is not a list of entries", f"put it into [ ]; {_FIX}")
    if len(document) > ENTRY_LIMIT:
        raise ManifestError(
            f"{MANIFEST} has {len(document)} entries, more than {ENTRY_LIMIT}", _FIX
        )
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ManifestError(f"{MANIFEST}: an object has the key {key[:80]!r} twice", _FIX)
        found[key] = value
    return found


def _no_constant(word: str) -> NoReturn:
    raise ManifestError(f"{MANIFEST}: {word} is not JSON", _FIX)


def _name_of(raw: Any) -> str:
    name = raw.get("name") if isinstance(raw, dict) else None
    if not isinstance(name, str):
        return ""
    return name[:80] if name.isprintable() else ""


def _duplicates(document: list[Any]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = defaultdict(list)
    for position, raw in enumerate(document, start=1):
        positions[_name_of(raw)].append(position)
    return {name: found for name, found in positions.items() if name and len(found) > 1}


def _said_twice(name: str, positions: list[int]) -> str:
    *most, last = map(str, positions)
    return f"the name {name!r} stands in entries {', '.join(most)} and {last}"


def _read_entry(raw: Any) -> Entry:
    if not isinstance(raw, dict):
        raise _Refused("it is not an object", 'write it as {"name": ..., "title": ...}')
    check_bounds(raw, "it", _Refused)
    try:
        entry = _RawEntry.model_validate(raw)
    except ValidationError as error:
        raise _Refused("; ".join(_complaints(error)), _FIX) from error
    try:
        check_schema(entry.config_schema)
    except BadSchema as error:
        raise _Refused(f"schema: {error.reason}", f"{error.advice}; {_FIX}") from error
    return Entry(
        name=entry.name,
        title=entry.title,
        description=entry.description,
        enabled=entry.enabled,
        schema=entry.config_schema,
        hosts=_checked_hosts(entry.hosts),
    )


def _checked_hosts(hosts: list[str] | None) -> tuple[str, ...] | None:
    bad = first_bad(hosts or ())
    if bad is not None:
        position, error = bad
        raise _Refused(f"hosts, item {position}: {error.reason}", f"{error.advice}; {_FIX}")
    return None if hosts is None else tuple(hosts)


def _complaints(error: ValidationError) -> list[str]:
    known = [field.alias or name for name, field in _RawEntry.model_fields.items()]
    said = []
    for one in error.errors(include_input=False, include_url=False):
        key = str(one["loc"][0])
        if one["type"] == "extra_forbidden":
            said.append(f"unknown key {key[:80]!r}{did_you_mean(key, known)}")
        elif one["type"] == "missing":
            said.append(f"the key {key!r} is missing")
        elif key == "name" and one["type"] == "string_pattern_mismatch":
            said.append("name: 1 to 64 small letters, digits and '_', a letter first")
        else:
            said.append(f"{key}: {one['msg'][:1].lower()}{one['msg'][1:]}")
    return said


def _check_folder(name: str, folders: Collection[str], problems: Mapping[str, str]) -> None:
    if name in problems:
        raise _Refused(problems[name], "correct the folder and push")
    if name not in folders:
        raise _Refused(
            f"there is no folder {INTEGRATIONS}/{name}{did_you_mean(name, folders)}",
            "name the entry as its folder, or add the folder, and push",
        )
