"""The events of a job as its history: appended here, read in order by followers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Tuple, bindparam, func, literal, select, tuple_

from api.jobs import Job
from api.recording import insert_rows
from api.tables import events, jobs


@dataclass(frozen=True, order=True)
class Position:
    """An event's place in its job's history; `str()` is its id in the event stream."""

    attempt: int
    seq: int

    def __str__(self) -> str:
        return f"{self.attempt}.{self.seq}"


BEFORE_ALL = Position(-1, 0)
_ORDER = (events.c.attempt, events.c.seq)
_PLACE = tuple_(*_ORDER)
LAST_SEQ = (  # of a job's present attempt, beside other columns of `jobs`
    select(func.max(events.c.seq))
    .where(events.c.job_id == jobs.c.id, events.c.attempt == jobs.c.attempt)
    .scalar_subquery()
)
_LAST_SEQS = select(jobs.c.id, LAST_SEQ).where(jobs.c.id.in_(bindparam("job_ids", expanding=True)))


@dataclass(frozen=True)
class StoredEvent:
    """One event of a job."""

    position: Position
    type: str
    at: datetime
    payload: Mapping[str, Any]


def read_events(
    connection: Connection,
    job_id: str,
    after: Position = BEFORE_ALL,
    types: Collection[str] = (),
    limit: int = 500,
) -> list[StoredEvent]:
    """Read the events that follow `after`, the oldest first; `types` empty: all of them."""
    statement = select(events).where(events.c.job_id == job_id, _place(after) < _PLACE)
    if types:
        statement = statement.where(events.c.type.in_(types))
    rows = connection.execute(statement.order_by(*_ORDER).limit(limit))
    return [_stored(row) for row in rows]


def last_event(
    connection: Connection, job_id: str, before: Position, unlike: str
) -> StoredEvent | None:
    """Read the last event before a place in its attempt that is not of the type `unlike`."""
    statement = select(events).where(
        events.c.job_id == job_id,
        events.c.attempt == before.attempt,
        events.c.seq < before.seq,
        events.c.type != unlike,
    )
    row = connection.execute(statement.order_by(events.c.seq.desc()).limit(1)).first()
    return _stored(row) if row else None


def last_seqs(connection: Connection, job_ids: Collection[str]) -> dict[str, int]:
    """Return the last sequence number of each job's present attempt; 0 where it has no events."""
    found = connection.execute(_LAST_SEQS, {"job_ids": list(job_ids)})
    return {job_id: seq or 0 for job_id, seq in found}


def insert_events(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new events, all at once."""
    insert_rows(connection, events, rows)


def append_event(
    connection: Connection, job: Job, type_: str, at: datetime, payload: Mapping[str, Any]
) -> None:
    """Add an event of the API's own after the last one of a job's present attempt."""
    row = {
        "job_id": job.id,
        "attempt": job.attempt,
        "seq": last_seqs(connection, [job.id])[job.id] + 1,
        "type": type_,
        "at": at,
        "payload": dict(payload),
    }
    insert_events(connection, [row])


def _stored(row: Row[Any]) -> StoredEvent:
    return StoredEvent(Position(row.attempt, row.seq), row.type, row.at, row.payload)


def _place(position: Position) -> Tuple:
    return tuple_(literal(position.attempt), literal(position.seq))
