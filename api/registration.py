"""What init changes: the manifest's entries against the records, decided without touching any."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from api.integrations import IntegrationState, ProblemBy, stored_problem
from utils.manifest import Entry, Manifest, Rejected
from utils.notes import Note


class Outcome(StrEnum):
    """What init does with one integration."""

    CREATED = "created"  # it had no record
    UPDATED = "updated"  # its entry changed, or it is enabled again
    UNCHANGED = "unchanged"  # nothing to do
    DISABLED = "disabled"  # it left the manifest, or is no longer enabled there
    REJECTED = "rejected"  # its entry is wrong; its record keeps its data


@dataclass(frozen=True)
class Change:
    """What becomes of one integration; `columns` are the values to write, empty for none."""

    name: str
    outcome: Outcome
    columns: Mapping[str, Any]
    is_new: bool = False


def plan_registration(manifest: Manifest, records: Mapping[str, Row[Any]]) -> tuple[Change, ...]:
    """Compare the manifest with the records; pure."""
    rejected = {one.name: one for one in manifest.rejected}  # a name that stands twice: once
    return (
        *(_entry_change(entry, records.get(entry.name)) for entry in manifest.entries),
        *(_rejection(one, records) for one in rejected.values()),
        *_departures(manifest, records),
    )


def _entry_change(entry: Entry, record: Row[Any] | None) -> Change:
    wanted = {
        "title": entry.title,
        "description": entry.description,
        "enabled": entry.enabled,
        "schema": dict(entry.schema),
        "hosts": None if entry.hosts is None else list(entry.hosts),
    }
    if record is None:
        outcome = Outcome.CREATED if entry.enabled else Outcome.DISABLED
        state = IntegrationState.REGISTERED if entry.enabled else IntegrationState.DISABLED
        columns = wanted | {"state": state.value, "problem": None}
        return Change(entry.name, outcome, columns, is_new=True)
    wanted |= {"state": _state(entry, record), "problem": _remaining_problem(entry, record)}
    changed = {key: value for key, value in wanted.items() if getattr(record, key) != value}
    if not changed:
        return Change(entry.name, Outcome.UNCHANGED, {})
    now_disabled = record.enabled and not entry.enabled
    return Change(entry.name, Outcome.DISABLED if now_disabled else Outcome.UPDATED, changed)


def _state(entry: Entry, record: Row[Any]) -> str:
    if not entry.enabled:
        return IntegrationState.DISABLED.value
    if record.state != IntegrationState.DISABLED:
        return str(record.state)
    known = record.tasks is not None and record.environment is not None
    return (IntegrationState.READY if known else IntegrationState.REGISTERED).value


def _remaining_problem(entry: Entry, record: Row[Any]) -> Any:
    found_by_worker = (record.problem or {}).get("by") == ProblemBy.WORKER
    return record.problem if entry.enabled and found_by_worker else None


def _rejection(rejected: Rejected, records: Mapping[str, Row[Any]]) -> Change:
    record = records.get(rejected.name)
    problem = stored_problem(Note(rejected.reason, rejected.advice), ProblemBy.MANIFEST)
    if record is None or record.problem == problem:
        return Change(rejected.name, Outcome.REJECTED, {})
    return Change(rejected.name, Outcome.REJECTED, {"problem": problem})


def _departures(manifest: Manifest, records: Mapping[str, Row[Any]]) -> Iterator[Change]:
    listed = {entry.name for entry in manifest.entries} | {it.name for it in manifest.rejected}
    for name, record in records.items():
        if name not in listed and record.enabled:
            state = IntegrationState.DISABLED.value
            gone = {"enabled": False, "state": state, "problem": None}
            yield Change(name, Outcome.DISABLED, gone)
