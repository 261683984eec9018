"""Which violations a change has opened or resolved, told to whoever wants to know."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from api.happenings import EventType, Happening, violation_changed
from api.tables import violations
from api.telling import tell

BATCH = 500
_THESE = select(violations).where(violations.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True)
class ViolationChanges:
    """The ids of violations by what happened to them; what is muted says nothing."""

    opened: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()


def tell_of(connection: Connection, changes: ViolationChanges, now: datetime) -> None:
    """Queue these changes, which are written, for everyone who wants them."""
    if changes != ViolationChanges():
        tell(connection, now, lambda: violation_events(connection, changes, now))


def violation_events(
    connection: Connection, changes: ViolationChanges, now: datetime
) -> list[Happening]:
    """Read the violations as they are now; return an event for each change."""
    return [
        violation_changed(type_, row, now)
        for type_, ids in (
            (EventType.VIOLATION_OPENED, changes.opened),
            (EventType.VIOLATION_REOPENED, changes.reopened),
            (EventType.VIOLATION_RESOLVED, changes.resolved),
        )
        for row in _rows(connection, ids)
    ]


def _rows(connection: Connection, ids: tuple[str, ...]) -> Iterator[Row[Any]]:
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        yield from connection.execute(_THESE, {"ids": some})
