"""Recording: rows through the API's own storage functions, beside the same rows through sqlite3."""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Table, insert

from api.database import Database
from api.events import insert_events
from api.migrate import migrate
from api.recording import JsonText, insert_rows
from api.tables import events, jobs, task_results, violations
from api.task_results import TaskResult, insert_results, result_row
from bench.rows import Row, at_least

BATCH = 500
ROUNDS = 60
GOAL = 0.7
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Kind:
    """One kind of row: how it is made for a job, and what stores it."""

    name: str
    table: Table
    rows: Callable[[str], Rows]
    store: Callable[[Connection, Rows], None]


def measure() -> list[Row]:
    """Measure each kind of row, transactions of the same size in turn on both sides."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder, 'ours.db')}")
        bare = Database(f"sqlite:///{Path(folder, 'bare.db')}")
        for one in (database, bare):
            migrate(one)
        bare.close()
        with closing(_connect(Path(folder, "bare.db"), database)) as connection:
            rows = [_measure(kind, database, connection) for kind in _kinds()]
        database.close()
    return rows


def _measure(kind: Kind, database: Database, connection: sqlite3.Connection) -> Row:
    ours, bare = [], []
    for _ in range(ROUNDS):
        job_id = str(uuid4())
        job = _job_row(job_id)
        with database.write() as write:
            write.execute(insert(jobs), [job])
        connection.execute(_statement(jobs, job), _plain(job))
        rows = kind.rows(job_id)
        plain = [_plain(row) for row in rows]
        started = time.perf_counter()
        with database.write() as write:
            kind.store(write, rows)
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_statement(kind.table, rows[0]), plain)
        connection.execute("COMMIT")
        bare.append(time.perf_counter() - started)
    what = f"recording {kind.name}, {BATCH} a transaction, beside raw sqlite3"
    return at_least(
        what, BATCH / statistics.median(ours), BATCH / statistics.median(bare), "/s", GOAL
    )


def _kinds() -> tuple[Kind, ...]:
    return (
        Kind("task results", task_results, _result_rows, insert_results),
        Kind("events", events, _event_rows, insert_events),
        Kind("violations", violations, _violation_rows, _store_violations),
    )


def _store_violations(connection: Connection, rows: Rows) -> None:
    insert_rows(connection, violations, rows)


def _connect(path: Path, like: Database) -> sqlite3.Connection:
    """Open the bare side as safely as ours: the same journal, every commit on disk."""
    with like.read() as read:
        journal = read.exec_driver_sql("PRAGMA journal_mode").scalar()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _statement(table: Table, row: Mapping[str, Any]) -> str:
    names = ",".join(f'"{name}"' for name in row)
    marks = ",".join("?" * len(row))
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names of ours


def _plain(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values as sqlite3 takes them fastest."""
    return tuple(
        value.isoformat(" ")
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, str)
        else value
        for value in row.values()
    )


def _job_row(job_id: str) -> dict[str, Any]:
    return {
        "id": job_id,
        "kind": "scan",
        "deployment_id": "d",
        "deployment_name": "d",
        "integration": "i",
        "status": "running",
        "attempt": 1,
        "losses": 0,
        "trigger": "manual",
        "cancel_requested": False,
        "created_at": datetime.now(UTC),
    }


def _result_rows(job_id: str) -> Rows:
    result = TaskResult.model_validate(
        {
            "name": "check",
            "title": "Every item is in stock",
            "type": "insight",
            "status": "success",
            "verdict": "fail",
            "severity": "high",
            "data": {"items": [{"name": f"item {n}", "stock": n} for n in range(10)]},
            "resources": [{"id": f"item {n}", "message": "low"} for n in range(5)],
            "logs": ["looked at 10 items"],
            "duration_seconds": 0.1,
        }
    )
    return [
        result_row(job_id, 1, number, result) | {"name": f"task_{number}"}
        for number in range(BATCH)
    ]


def _event_rows(job_id: str) -> Rows:
    now = datetime.now(UTC)
    return [
        {
            "job_id": job_id,
            "attempt": 1,
            "seq": number + 1,
            "type": "output",
            "at": now,
            "payload": JsonText(f'{{"stream":"stdout","text":"line {number}\\n"}}'),
        }
        for number in range(BATCH)
    ]


def _violation_rows(job_id: str) -> Rows:
    now = datetime.now(UTC)
    return [
        {
            "id": str(uuid4()),
            "fingerprint": str(uuid4()),
            "integration": "i",
            "deployment_id": "d",
            "deployment_name": "d",
            "task": "check",
            "title": "Every item is in stock",
            "resource_id": f"item {number}",
            "severity": "high",
            "severity_rank": 3,
            "status": "open",
            "message": "low",
            "data": JsonText('{"stock":1}'),
            "first_seen": now,
            "last_seen": now,
            "occurrences": 1,
            "job_id": job_id,
        }
        for number in range(BATCH)
    ]
