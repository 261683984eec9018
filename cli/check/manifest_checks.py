"""Checks of `integrations.json`: its entries, their schemas, and the folders beside it."""

from collections.abc import Iterator, Mapping

from cli.check import rules
from cli.check.finding import Finding, Rule
from cli.check.secret_checks import FIX, told_secrets
from cli.reading.manifest_file import PlacedEntry, before_a_push
from cli.reading.repository import Repository
from cli.reading.source_file import SourceFile
from utils.concealed import is_secret_name
from utils.config_schema import BadSchema, check_schema
from utils.errors import ManifestError
from utils.manifest import MANIFEST, is_name, read_manifest
from utils.schema_walk import walk
from utils.suggest import did_you_mean
from utils.tree import INTEGRATIONS


def manifest_findings(repository: Repository) -> Iterator[Finding]:
    """Check the manifest and what it lists."""
    if repository.manifest is None:
        yield _finding(rules.MANIFEST_UNREADABLE, 1, f"there is no {MANIFEST}", "write [] into it")
        return
    names = {entry.name for entry in repository.entries}
    try:
        manifest = read_manifest(repository.manifest, names)
    except ManifestError as error:
        line = _line_in(error.reason)
        advice = before_a_push(error.advice)
        yield _finding(rules.MANIFEST_UNREADABLE, line, error.reason, advice)
        return
    refused = {_position(rejected.reason): rejected for rejected in manifest.rejected}
    for position, entry in enumerate(repository.entries, start=1):
        if position in refused:
            yield _refused(entry, refused[position].reason, refused[position].advice)
        yield from _entry_findings(entry, repository)
    yield from _unlisted(repository, names)
    text = repository.manifest.decode("utf-8-sig")
    for line, what in told_secrets(SourceFile(MANIFEST, text)):
        yield _finding(rules.SECRET_IN_CODE, line, what, FIX)


def _refused(entry: PlacedEntry, reason: str, advice: str) -> Finding:
    try:
        check_schema(entry.schema)
    except BadSchema as error:
        line = entry.line_of("schema", *_steps(error.reason))
        return _finding(rules.SCHEMA_INVALID, line, f"{entry.name}: {error.reason}", error.advice)
    return _finding(rules.MANIFEST_ENTRY, entry.line, reason, before_a_push(advice))


def _entry_findings(entry: PlacedEntry, repository: Repository) -> Iterator[Finding]:
    if not is_name(entry.name):
        return
    if entry.name not in repository.folder_names:
        yield _finding(
            rules.FOLDER_MISSING,
            entry.line_of("name"),
            f"there is no folder {INTEGRATIONS}/{entry.name}"
            f"{did_you_mean(entry.name, repository.folder_names)}",
            f"add it with an entry.py, or take the entry out of {MANIFEST}",
        )
    if "hosts" not in entry.value:
        yield _finding(
            rules.HOSTS_MISSING,
            entry.line,
            f"{entry.name} declares no hosts",
            'add "hosts": ["api.example.com"], or "hosts": [] when it reaches nothing',
        )
    yield from _property_findings(entry)


def _property_findings(entry: PlacedEntry) -> Iterator[Finding]:
    try:
        parts = list(walk(entry.schema))
    except (RecursionError, TypeError, ValueError):
        return  # reported as a schema that cannot be used
    for _, part in parts:
        properties = part.get("properties")
        for name, value in properties.items() if isinstance(properties, Mapping) else ():
            if isinstance(value, Mapping):
                yield from _one_property(entry, str(name), value)


def _one_property(entry: PlacedEntry, name: str, value: Mapping[str, object]) -> Iterator[Finding]:
    line = entry.line_of("schema", name)
    if not value.get("description"):
        yield _finding(
            rules.SCHEMA_DESCRIPTION,
            line,
            f"{entry.name}: the property {name!r} has no description",
            'add "description": "..." with what it is for and its unit',
        )
    is_marked = value.get("format") == "password" or value.get("writeOnly") is True
    if is_secret_name(name) and _may_be_text(value) and not is_marked:
        yield _finding(
            rules.SCHEMA_SECRET,
            line,
            f"{entry.name}: the property {name!r} is named like a secret and not marked as one",
            'add "format": "password"; give it another name where it is none',
        )


def _may_be_text(value: Mapping[str, object]) -> bool:
    kind = value.get("type", "string")
    return kind == "string" or (isinstance(kind, list) and "string" in kind)


def _unlisted(repository: Repository, names: set[str]) -> Iterator[Finding]:
    for name in repository.folder_names:
        if name not in names:
            yield Finding(
                rules.FOLDER_UNLISTED,
                f"{INTEGRATIONS}/{name}",
                1,
                f"{MANIFEST} has no entry {name!r}{did_you_mean(name, names)}",
                'add {"name": ..., "title": ...} to it, or remove the folder',
            )


def _finding(rule: Rule, line: int, what: str, fix: str) -> Finding:
    return Finding(rule, MANIFEST, line, what, fix)


def _position(reason: str) -> int:
    """Return which entry a rejection is about: its reason begins with `entry N`."""
    return int(reason.split(maxsplit=2)[1].rstrip(":"))


def _line_in(reason: str) -> int:
    _, found, rest = reason.partition(": line ")
    digits = rest.partition(",")[0]
    return int(digits) if found and digits.isdigit() else 1


def _steps(reason: str) -> list[str]:
    pointer = reason.partition(":")[0]
    return [step for step in pointer.split("/") if step and not step.isdigit()]
