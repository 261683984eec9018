"""Violations as lists show them and as people change them by hand."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Subquery, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from api.listing import listed, whose
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


@dataclass(frozen=True)
class Decision:
    """What somebody decided about a violation."""

    status: ViolationStatus
    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Wanted:
    """Which violations a list asks for; what is empty or None asks for all."""

    statuses: Collection[ViolationStatus] = ()
    severity: Severity | None = None
    min_severity: Severity | None = None
    integration: str | None = None
    deployment_id: str | None = None


def shown_violation(row: Row[Any]) -> dict[str, Any]:
    """Return a violation as the API shows it."""
    return {name: getattr(row, name) for name in SHOWN}


def listed_violations(wanted: Wanted) -> tuple[Subquery, Order]:
    """Return the violations that a list asks for and their order: the worst, the latest first."""
    statuses = dict.fromkeys(wanted.statuses or ViolationStatus)
    parts = [violations.c.status == status for status in statuses]
    conditions = whose(violations, wanted.deployment_id, wanted.integration)
    if wanted.min_severity is not None:
        conditions.append(violations.c.severity_rank >= wanted.min_severity.rank)
    if wanted.severity is not None:
        conditions.append(violations.c.severity_rank == wanted.severity.rank)
    found = listed(violations, parts, conditions)
    latest = (found.c.last_seen, found.c.id)
    return found, Order(latest if wanted.severity else (found.c.severity_rank, *latest))


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
    connection: Connection, violation_id: str, decision: Decision, now: datetime
) -> Row[Any]:
    """Open, acknowledge or mute a violation and return it.

    Raises NotFound, Unprocessable for an incomplete decision, Conflict for a resolved violation.
    """
    _check(decision, now)
    row = find_violation(connection, violation_id)
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
