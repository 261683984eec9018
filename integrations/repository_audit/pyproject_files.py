"""Dependencies in a pyproject.toml of the audited repository, groups and builds included."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.repository_audit.wanted import Origin, Place, Wanted, parse_wanted


def read_pyproject(path: str, text: str) -> list[Wanted]:
    """Return every dependency that a pyproject.toml names in the standard's tables."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = Place(path, 1, Origin.PROJECT)
        return [Wanted(place, "", problem=f"it is not TOML: {error}")]
    return [
        parse_wanted(item, Place(path, _line_of(item, text), origin, group))
        for origin, group, items in _groups(document)
        for item in items
        if isinstance(item, str)  # a table includes another group, which is read by itself
    ]


def _groups(document: Mapping[str, Any]) -> Iterator[tuple[Origin, str, list[Any]]]:
    project = _table(document.get("project"))
    yield Origin.PROJECT, "", _list(project.get("dependencies"))
    for groups in (project.get("optional-dependencies"), document.get("dependency-groups")):
        for name, items in _table(groups).items():
            yield Origin.PROJECT, name, _list(items)
    yield Origin.BUILD, "", _list(_table(document.get("build-system")).get("requires"))


def _line_of(item: str, text: str) -> int:
    """Return the line on which `item` stands as a string; the first one if it was escaped."""
    at = max(text.find(f'"{item}"'), text.find(f"'{item}'"), 0)
    return text.count("\n", 0, at) + 1


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
