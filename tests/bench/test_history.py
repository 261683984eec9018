from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.database import Database
from api.jobs import JobStatus
from api.tables import deployments, events, jobs, task_results, violations
from bench.history import DEPLOYMENTS, Template, fill, fill_queue, open_database

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TABLES = (jobs, events, task_results, violations)
JOB = {
    "id": "template",
    "kind": "scan",
    "deployment_id": "d",
    "deployment_name": "d",
    "integration": "bench",
    "status": "success",
    "attempt": 1,
    "losses": 0,
    "trigger": "manual",
    "cancel_requested": False,
    "summary": {"tasks": {"success": 1}},
    "created_at": NOW,
}
EVENT = {"job_id": "template", "attempt": 1, "type": "output", "at": NOW, "payload": {"a": [1]}}
RESULT = {
    "job_id": "template",
    "name": "look",
    "position": 0,
    "attempt": 1,
    "type": "collector",
    "status": "success",
    "duration_seconds": 0.1,
    "result": {"data": {"answer": 42}},
}
TEMPLATE = Template(
    {jobs: [JOB], events: [{**EVENT, "seq": seq} for seq in (1, 2)], task_results: [RESULT]}
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    fill(tmp_path, TEMPLATE, 250)
    database = open_database(tmp_path)
    yield database
    database.close()


def test_each_job_of_the_history_has_what_its_template_had(database: Database) -> None:
    with database.read() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(it)).scalar() for it in TABLES
        ]
        assert counts == [250, 500, 250, 250]
        job = connection.execute(select(jobs)).first()
        assert job is not None
        assert job.summary == JOB["summary"]
        of_job = select(events).where(events.c.job_id == job.id).order_by(events.c.seq)
        assert [(row.seq, row.payload) for row in connection.execute(of_job)] == [
            (1, {"a": [1]}),
            (2, {"a": [1]}),
        ]


def test_the_history_belongs_to_deployments_that_are_there(database: Database) -> None:
    with database.read() as connection:
        owners = connection.execute(select(jobs.c.deployment_id).distinct()).scalars().all()
        known = connection.execute(select(deployments.c.id)).scalars().all()
    assert set(owners) == set(known)
    assert len(known) == DEPLOYMENTS


def test_the_history_has_jobs_that_failed_and_violations_in_each_state(database: Database) -> None:
    with database.read() as connection:
        found = connection.execute(select(jobs.c.status).distinct()).scalars().all()
        states = connection.execute(select(violations.c.status).distinct()).scalars().all()
    assert set(found) == {"success", "failed"}
    assert set(states) == {"open", "acknowledged", "muted", "resolved"}


def test_the_history_is_whole(database: Database) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check(events)").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_a_filled_queue_waits(database: Database, tmp_path: Path) -> None:
    with database.read() as connection:
        owner = connection.execute(select(deployments.c.id)).scalars().first()
    fill_queue(tmp_path, str(owner), 3)
    with database.read() as connection:
        pending = select(jobs.c.deployment_id).where(jobs.c.status == JobStatus.PENDING)
        assert connection.execute(pending).scalars().all() == [owner] * 3
