from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from api.facts import Fact, JobMoved, LeaseLost, TaskEnded, note, seconds_between
from tests.api.hand_clock import NOON

if TYPE_CHECKING:
    from api.database import Database
    from tests.api.desk import Desk

LOST = LeaseLost("j", "tool", "w1")


@pytest.fixture
def heard(database: Database) -> list[Fact]:
    heard: list[Fact] = []

    def hear(facts: Sequence[Fact]) -> None:
        heard.extend(facts)

    database.facts.listeners.append(hear)
    return heard


def test_what_was_noted_is_told_after_the_commit(database: Database, heard: list[Fact]) -> None:
    with database.write() as connection:
        note(connection, LOST)
        assert heard == []
    assert heard == [LOST]


def test_what_was_rolled_back_is_never_told(database: Database, heard: list[Fact]) -> None:
    def fail() -> None:
        with database.write() as connection:
            note(connection, LOST)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.write():
        pass
    assert heard == []


def test_a_job_tells_of_its_moves_and_its_tasks(desk: Desk, heard: list[Fact]) -> None:
    job_id = desk.start()
    (lease,) = desk.lease()
    desk.clock.move(seconds=5)
    cause = {"kind": "auth", "retry_after": None}
    tasks = [
        desk.finished(lease, "look"),
        desk.finished(lease, "ask", status="failed", verdict="unknown", cause=cause),
    ]
    desk.good(desk.send(lease, *tasks, desk.ended(lease, "partial")))
    request_id = desk.job(job_id)["request_id"]
    assert heard == [
        JobMoved(job_id, "tool", "running", 1, request_id),
        TaskEnded("tool", "insight", "success", 0.1),
        TaskEnded("tool", "insight", "failed", 0.1, "auth"),
        JobMoved(job_id, "tool", "partial", 1, request_id, None, 5.0),
    ]


def test_a_lost_lease_is_told_with_its_worker(desk: Desk, heard: list[Fact]) -> None:
    job_id = desk.start()
    desk.lease()
    desk.clock.move(hours=1)
    desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w2"}))
    assert LeaseLost(job_id, "tool", "w1") in heard


def test_seconds_are_never_negative() -> None:
    assert seconds_between(NOON, NOON - timedelta(hours=1)) == 0
    assert seconds_between(None, NOON) is None
