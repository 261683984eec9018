from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from api.workers import (
    FORGOTTEN_AFTER,
    Worker,
    WorkerReport,
    WorkerState,
    read_workers,
    record_worker,
)
from tests.api.hand_clock import NOON

if TYPE_CHECKING:
    from datetime import datetime

    from api.database import Database

LEASE = timedelta(seconds=30)
OK = {"name": "source", "error": None}
BROKEN = {"name": "outbox", "error": "full"}
REPORT = WorkerReport(
    "w", "0.1.0", "process", "open", "running", NOON, 1, 4, 0, 0, 0.0, [OK, BROKEN]
)


def read(database: Database, now: datetime) -> list[Worker]:
    with database.read() as connection:
        return read_workers(connection, now, LEASE)


@pytest.fixture
def recorded(database: Database) -> Database:
    with database.write() as connection:
        record_worker(connection, REPORT, NOON)
    return database


def test_a_worker_is_silent_after_its_lease_period_and_back_with_its_next_report(
    recorded: Database,
) -> None:
    (worker,) = read(recorded, NOON + LEASE)
    assert (worker.state, worker.silent_seconds) == (WorkerState.RUNNING, 30)
    later = NOON + LEASE + timedelta(seconds=1)
    assert read(recorded, later)[0].state is WorkerState.SILENT
    with recorded.write() as connection:
        record_worker(connection, REPORT, later)
    assert read(recorded, later)[0].state is WorkerState.RUNNING


def test_one_that_stopped_in_order_is_never_silent(recorded: Database) -> None:
    with recorded.write() as connection:
        record_worker(connection, replace(REPORT, state="stopped"), NOON)
    assert read(recorded, NOON + timedelta(hours=1))[0].state is WorkerState.STOPPED


def test_checks_that_need_somebody_are_told_apart(recorded: Database) -> None:
    assert read(recorded, NOON)[0].failed_checks == [BROKEN]


def test_the_api_s_clock_going_back_makes_nobody_silent(recorded: Database) -> None:
    (worker,) = read(recorded, NOON - timedelta(hours=1))
    assert (worker.state, worker.silent_seconds) == (WorkerState.RUNNING, 0)


def test_workers_that_are_long_gone_are_forgotten(recorded: Database) -> None:
    now = NOON + FORGOTTEN_AFTER + timedelta(seconds=1)
    with recorded.write() as connection:
        record_worker(connection, replace(REPORT, name="new"), now)
    assert [worker.name for worker in read(recorded, now)] == ["new"]
