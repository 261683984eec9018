"""Violations as lists show them and as people change them by hand."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from api.editions import Check, any_edition, edition_of
from api.listing import ALWAYS, EVERYBODY, Scope, Selection, Span, Split
from api.paging import Order
from api.problems import Conflict, FieldError, NotFound, Unprocessable
from api.tables import violations
from api.verdicts import BY_HAND, ViolationStatus
from api.violation_events import ViolationChanges, tell_of
from utils.tasks import Severity

SHOWN = (
    *("id", "integration", "deployment_id", "deployment_name", "task", "title", "resource_id"),
    *("severity", "status", "message", "data", "note", "muted_until", "first_seen", "last_seen"),
    *("resolved_at", "occurrences", "job_id"),
)
DECIDED = ("id", "status", "severity", "note", "muted_until")


@dataclass(frozen=True)
class Decision:
    """What somebody decided about a violation."""

    status: ViolationStatus
    reason: str | None = None
    until: datetime | None = None


class SortedBy(StrEnum):
    """What a list of violations is sorted by."""

    SEVERITY = "severity"  # those of one severity by the time they were seen last
    LAST_SEEN = "last_seen"
    FIRST_SEEN = "first_seen"


@dataclass(frozen=True)
class Wanted:
    """Which violations a list asks for; what is empty or None asks for all.

    `span` bounds the time they were first seen if they are sorted by that, else last seen. `tasks`
    go with a scope.
    """

    statuses: Collection[ViolationStatus] = ()
    severities: Collection[Severity] | None = None
    scope: Scope = EVERYBODY
    tasks: Collection[str] = ()
    span: Span = ALWAYS
    sorted_by: SortedBy = SortedBy.SEVERITY
    descending: bool = True


def violation_edition(row: Row[Any]) -> str:
    """Name what was decided about a violation, and how bad it is."""
    return edition_of({name: getattr(row, name) for name in DECIDED})


def shown_violation(row: Row[Any]) -> dict[str, Any]:
    """Return a violation as the API shows it."""
    return {name: getattr(row, name) for name in SHOWN}


def listed_violations(wanted: Wanted) -> Selection:
    """Return the violations that a list asks for, and how they are sorted."""
    table = violations.c
    splits = list(wanted.scope.splits(violations))
    if wanted.tasks:
        splits.append(Split(table.task, tuple(dict.fromkeys(wanted.tasks))))
    splits.append(Split(table.status, tuple(dict.fromkeys(wanted.statuses or ViolationStatus))))
    by_severity = wanted.sorted_by is SortedBy.SEVERITY
    if not by_severity or wanted.severities is not None or wanted.span != ALWAYS:
        asked = Severity if wanted.severities is None else wanted.severities
        ranks = {severity.rank for severity in asked}
        splits.append(Split(table.severity_rank, tuple(sorted(ranks, reverse=True))))
    seen = table.first_seen if wanted.sorted_by is SortedBy.FIRST_SEEN else table.last_seen
    columns = (table.severity_rank, seen, table.id) if by_severity else (seen, table.id)
    return Selection(violations, tuple(splits), Order(columns, wanted.descending), wanted.span)


def find_violation(connection: Connection, violation_id: str) -> Row[Any]:
    """Read one violation, locked until the transaction ends; raises NotFound."""
    statement = select(violations).where(violations.c.id == violation_id).with_for_update()
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(
            f"there is no violation {violation_id!r}",
            "GET /api/v1/violations lists those there are",
        )
    return row


def decide(
    connection: Connection,
    violation_id: str,
    decision: Decision,
    now: datetime,
    check: Check = any_edition,
) -> Row[Any]:
    """Open, acknowledge or mute a violation and return it; `check` is given its edition.

    Raises NotFound, Unprocessable for an incomplete decision, Conflict for a resolved violation.
    """
    _check(decision, now)
    row = find_violation(connection, violation_id)
    check(violation_edition(row))
    if decision.status not in BY_HAND[ViolationStatus(row.status)]:
        raise Conflict(
            f"violation {violation_id} is {row.status} and cannot become {decision.status}",
            "nothing needs to be done: it opens again by itself when it is found again",
        )
    values = {
        "status": decision.status,
        "note": decision.reason,
        "muted_until": decision.until,
    }
    connection.execute(update(violations).where(violations.c.id == row.id).values(values))
    if row.status == ViolationStatus.MUTED and decision.status is ViolationStatus.OPEN:
        tell_of(connection, ViolationChanges(reopened=(row.id,)), now)
    return find_violation(connection, violation_id)


def end_mutes(connection: Connection, now: datetime) -> None:
    """Open the violations whose mute has run out."""
    over = (violations.c.status == ViolationStatus.MUTED, violations.c.muted_until <= now)
    opened = {"status": ViolationStatus.OPEN, "note": None, "muted_until": None}
    statement = update(violations).where(*over).values(opened).returning(violations.c.id)
    tell_of(connection, ViolationChanges(reopened=_ids(connection, statement)), now)


def _ids(connection: Connection, statement: ReturningUpdate[Any]) -> tuple[str, ...]:
    return tuple(connection.execute(statement).scalars())


def _check(decision: Decision, now: datetime) -> None:
    if decision.status is ViolationStatus.MUTED:
        if not (decision.reason or "").strip():
            raise _invalid("/reason", "a mute needs a reason", "say why in `reason`")
        if decision.until is not None and decision.until <= now:
            raise _invalid("/until", "a mute ends in the future", "give a later time, or none")
    elif decision.until is not None:
        raise _invalid("/until", "only a mute has an end", "leave `until` out")


def _invalid(pointer: str, message: str, advice: str) -> Unprocessable:
    return Unprocessable(message, advice, errors=[FieldError(pointer, message)])
