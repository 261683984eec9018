"""Puts together what is known of an integration, for its tier."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.fault_matrix import Matrix
from cli.server_tests import Note, lacking
from utils.manifest import Entry
from utils.tiers import Facts
from worker.child_events import OwnTestsEnded
from worker.requirement import Requirement

VERDICTS = ("pass", "fail", "unknown")


@dataclass(frozen=True)
class Checked:
    """What `trueline check` finds."""

    errors: int
    warnings: int
    secrets: int
    is_page_fresh: bool


@dataclass(frozen=True)
class Evidence:
    """What was read and run."""

    entry: Entry
    tasks: Sequence[Mapping[str, Any]]  # as the integration describes them
    requirements: Sequence[Requirement]
    tests: OwnTestsEnded | None  # None: it has none
    matrix: Matrix | None  # None: it was not asked for
    checked: Checked | None  # None: it could not be checked


def facts_of(evidence: Evidence) -> Facts:
    """Return the facts that a tier is made of."""
    tests, matrix, checked = evidence.tests, evidence.matrix, evidence.checked
    notes = notes_of(tests)
    tasks = [task for task in evidence.tasks if task["enabled"]]
    return Facts(
        check_errors=checked.errors if checked else None,
        check_warnings=checked.warnings if checked else None,
        secrets_found=checked.secrets if checked else None,
        tests_passed=tests.passed if tests else 0,
        tests_failed=tests.failed if tests else 0,
        undescribed_tasks=[task["name"] for task in tasks if not task["description"]],
        undescribed_properties=list(undescribed(evidence.entry.schema)),
        is_page_fresh=checked.is_page_fresh if checked else None,
        declares_hosts=evidence.entry.hosts is not None,
        unproven_collectors=list(_unproven(tasks, matrix, notes)),
        quiet_cells=matrix.quiet if matrix else None,
        untested_verdicts=list(_untested(tasks, notes)),
        unpinned=[one.bare for one in evidence.requirements if one.pinned is None],
    )


def notes_of(tests: OwnTestsEnded | None) -> list[Note]:
    """Return what is known of each run of a task in the tests."""
    return [json.loads(note) for note in tests.notes] if tests else []


def undescribed(schema: Any, pointer: str = "") -> Iterator[str]:
    """Yield the properties of a schema, at any depth, that have no description."""
    if not isinstance(schema, Mapping):
        return
    for name, below in (schema.get("properties") or {}).items():
        place = f"{pointer}/{name}"
        if not isinstance(below, Mapping) or not str(below.get("description", "")).strip():
            yield place
        yield from undescribed(below, place)
    yield from undescribed(schema.get("items"), f"{pointer}/items")


def _unproven(
    tasks: Iterable[Mapping[str, Any]], matrix: Matrix | None, notes: Sequence[Note]
) -> Iterator[str]:
    if matrix is None:
        return  # that it was not run is told, and what it would show is not known
    for name in (task["name"] for task in tasks if task["type"] == "collector"):
        missing = [] if name in matrix.tasks else lacking(name, notes)
        if missing is None:
            yield name
        elif missing:
            yield f"{name} (its server tests lack: {', '.join(missing)})"


def _untested(tasks: Iterable[Mapping[str, Any]], notes: Iterable[Note]) -> Iterator[str]:
    seen = {(note["task"], note["verdict"]) for note in notes}
    for task in tasks:
        if task["type"] == "insight":
            missing = [verdict for verdict in VERDICTS if (task["name"], verdict) not in seen]
            if missing:
                yield f"{task['name']} ({', '.join(missing)})"
