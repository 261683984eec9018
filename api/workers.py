"""Workers as they report: who there is, when it was last heard of, and what it says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from api.workers_table import workers

FORGOTTEN_AFTER = timedelta(days=7)


class WorkerState(StrEnum):
    """How a worker is; `silent` is never stored."""

    RUNNING = "running"  # heard of within its lease period
    SILENT = "silent"  # not heard of for longer: cut off, or killed
    STOPPED = "stopped"  # it said that it ends


@dataclass(frozen=True)
class WorkerReport:
    """What a worker says of itself."""

    name: str
    version: str
    isolation: str
    egress: str
    state: str
    started_at: datetime
    jobs_running: int
    concurrency: int
    outbox_events: int
    outbox_bytes: int
    outbox_oldest_seconds: float
    checks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Worker:
    """One worker, seen from now."""

    name: str
    version: str
    isolation: str
    egress: str
    state: WorkerState
    started_at: datetime
    last_seen_at: datetime
    silent_seconds: float
    jobs_running: int
    concurrency: int
    outbox_events: int
    outbox_bytes: int
    outbox_oldest_seconds: float
    checks: Sequence[Mapping[str, Any]]

    @property
    def failed_checks(self) -> list[Mapping[str, Any]]:
        """The checks that need somebody."""
        return [check for check in self.checks if check["error"]]


def record_worker(connection: Connection, report: WorkerReport, now: datetime) -> None:
    """Keep a worker's newest report, and forget those of workers that are long gone."""
    values = {**asdict(report), "last_seen_at": now}
    known = update(workers).where(workers.c.name == report.name).values(values)
    if connection.execute(known).rowcount == 0:
        connection.execute(insert(workers).values(values))
    connection.execute(delete(workers).where(workers.c.last_seen_at < now - FORGOTTEN_AFTER))


def read_workers(connection: Connection, now: datetime, lease: timedelta) -> list[Worker]:
    """Read all workers; one that was not heard of for a lease period is silent."""
    rows = connection.execute(select(workers).order_by(workers.c.name).limit(500))
    return [_worker(row, now, lease) for row in rows]


def _worker(row: Row[Any], now: datetime, lease: timedelta) -> Worker:
    silence = max(now - row.last_seen_at, timedelta())
    state = WorkerState(row.state)
    if state is WorkerState.RUNNING and silence > lease:
        state = WorkerState.SILENT
    known = {name: value for name, value in row._mapping.items() if name != "state"}  # noqa: SLF001 - SQLAlchemy's public name for it
    return Worker(**known, state=state, silent_seconds=round(silence.total_seconds(), 1))
