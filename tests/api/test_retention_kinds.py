import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, insert, select, update

from api import retention_kinds
from api.database import Database
from api.large_data import Place, insert_chunk
from api.retention_kinds import KINDS, Step
from api.tables import deployments, events, jobs, large_data, task_results, violations
from tests.databases import explain
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.desk import Desk

DAY = timedelta(days=1)


def remove(database: Database, name: str, cutoff: datetime) -> int:
    """Walk over one kind of data to its end."""
    (kind,) = [kind for kind in KINDS if kind.name == name]
    step, removed = Step(), 0
    while not step.is_last:
        with database.write() as connection:
            step = kind.remove(connection, cutoff, step)
        assert step.removed <= max(retention_kinds.ROWS, retention_kinds.JOBS)
        removed += step.removed
    return removed


def count(database: Database, table: Any, *conditions: Any) -> int:
    with database.read() as connection:
        statement = select(func.count()).select_from(table).where(*conditions)
        return int(connection.execute(statement).scalar_one())


def job_ids(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(connection.execute(select(jobs.c.id)).scalars())


def keep_data(database: Database, job_id: str, chunks: int = 1) -> str:
    """Give a job's only result large data."""
    content = b"x" * 10
    sha256 = hashlib.sha256(content * chunks).hexdigest()
    large = {"sha256": sha256, "size_bytes": 10 * chunks, "stored_bytes": 10 * chunks}
    result = {"name": "look", "data": None, "large_data": large}
    with database.write() as connection:
        for number in range(chunks):
            insert_chunk(connection, Place(job_id, 1, sha256), 10 * number, content)
        of_job = task_results.c.job_id == job_id
        connection.execute(update(task_results).where(of_job).values(result=result))
    return sha256


def test_every_kind_has_its_setting() -> None:
    names = {f"keep_{kind.name}_days" for kind in KINDS}
    assert names == {name for name in Settings.model_fields if name.startswith("keep_")}


def test_old_jobs_go_with_all_that_is_theirs_and_the_latest_results_stay(
    desk: "Desk", database: Database
) -> None:
    first = desk.run({"name": "look"}, {"name": "once"})
    desk.clock.move(hours=1)
    second = desk.run({"name": "look"})
    desk.clock.move(hours=1)
    third = desk.run({"name": "look"})
    desk.clock.move(days=1)
    running = desk.start()
    desk.lease()
    assert remove(database, "jobs", desk.clock.now + DAY) == 1
    assert job_ids(database) == sorted([first, third, running])  # the first alone ran `once`
    assert count(database, events, events.c.job_id == second) == 0
    assert count(database, task_results, task_results.c.job_id == second) == 0


def test_jobs_of_a_deployment_that_is_gone_are_not_kept_for_their_results(
    desk: "Desk", database: Database
) -> None:
    desk.run({"name": "look"})
    with database.write() as connection:
        connection.execute(deployments.delete())
    assert remove(database, "jobs", desk.clock.now + DAY) == 1


def test_job_of_a_violation_that_is_not_resolved_stays(desk: "Desk", database: Database) -> None:
    failing = desk.run({"name": "look", "verdict": "fail"})
    desk.clock.move(hours=1)
    desk.run({"name": "look", "verdict": "unknown", "status": "failed", "errors": ["x"]})
    assert remove(database, "jobs", desk.clock.now + DAY) == 0
    with database.write() as connection:
        connection.execute(update(violations).values(status="resolved"))
    assert remove(database, "jobs", desk.clock.now + DAY) == 1
    assert failing not in job_ids(database)


def test_jobs_that_are_not_old_enough_stay(desk: "Desk", database: Database) -> None:
    desk.run({"name": "look"})
    desk.run({"name": "look"})
    assert remove(database, "jobs", desk.clock.now) == 0
    assert len(job_ids(database)) == 2


def test_events_of_old_jobs_go_but_for_the_last_one(desk: "Desk", database: Database) -> None:
    job_id = desk.run({"name": "look"}, {"name": "touch"})
    desk.start()
    (lease,) = desk.lease()
    desk.good(desk.send(lease, desk.started(lease)))
    assert remove(database, "events", desk.clock.now + DAY) == 2
    assert count(database, events, events.c.job_id == job_id) == 1
    assert count(database, events, events.c.type == "job_finished") == 1
    assert count(database, events, events.c.job_id == lease["job_id"]) == 1
    assert remove(database, "events", desk.clock.now + DAY) == 0


def test_old_data_goes_but_for_the_latest(desk: "Desk", database: Database) -> None:
    old = desk.run({"name": "look"})
    desk.clock.move(hours=1)
    new = desk.run({"name": "look"})
    for job_id in (old, new):
        keep_data(database, job_id)
    assert remove(database, "data", desk.clock.now + DAY) == 1
    assert count(database, large_data, large_data.c.job_id == new) == 1
    answer = desk.client.get(f"/api/v1/jobs/{old}/tasks/look/data")
    assert answer.status_code == 404
    assert "TRUELINE_KEEP_DATA_DAYS" in answer.get_json()["advice"]


def test_resolved_violations_go_and_open_ones_never(desk: "Desk", database: Database) -> None:
    desk.run({"name": "look", "verdict": "fail"}, {"name": "touch", "verdict": "fail"})
    desk.clock.move(hours=1)
    desk.run({"name": "look", "verdict": "pass"})
    assert remove(database, "violations", desk.clock.now) == 0
    assert remove(database, "violations", desk.clock.now + DAY) == 1
    assert [found["task"] for found in desk.violations()] == ["touch"]


def test_no_transaction_removes_many_rows(
    desk: "Desk", database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("ROWS", 3), ("CHUNKS", 2), ("JOBS", 2)):
        monkeypatch.setattr(retention_kinds, name, most)
    for _ in range(5):
        keep_data(database, desk.run({"name": "look"}, {"name": "touch"}), chunks=5)
        desk.clock.move(hours=1)
    removed = {kind.name: remove(database, kind.name, desk.clock.now + DAY) for kind in KINDS}
    assert removed.pop("audit") > 0
    assert removed == {"events": 10, "data": 20, "jobs": 4, "violations": 0}
    assert [count(database, it) for it in (jobs, large_data, events)] == [1, 5, 1]


def test_what_is_old_is_found_by_indexes(desk: "Desk", database: Database) -> None:
    keep_data(database, desk.run({"name": "look"}))
    keep_data(database, desk.run({"name": "look"}))
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *it: asked.append(it[2:4]))
    for kind in KINDS:
        remove(database, kind.name, desk.clock.now + DAY)
    statements = [it for it in asked if it[0].startswith(("SELECT", "DELETE"))]
    assert len(statements) >= 8
    with database.read() as connection:
        for statement, values in statements:
            plan = explain(connection, statement, values)
            whole = [line for line in plan.splitlines() if "SCAN" in line or "Seq Scan" in line]
            # Rows that a subquery has chosen are few; the walk over large data goes by its key.
            fine = ("USING", "SUBQUERY", "CONSTANT ROW", "subquery")
            assert [line for line in whole if not any(word in line for word in fine)] == []


def test_many_old_rows_are_removed_as_fast_as_few(desk: "Desk", database: Database) -> None:
    """Count the statements: each is bounded, so their number says what it costs."""
    row = {"title": "t", "severity": "low", "severity_rank": 1, "status": "resolved"}
    row |= {"integration": "i", "deployment_id": "d", "deployment_name": "d", "task": "t"}
    row |= {"first_seen": desk.clock.now, "last_seen": desk.clock.now, "occurrences": 1}
    row |= {"resolved_at": desk.clock.now, "job_id": "j", "resource_id": ""}
    with database.write() as connection:
        rows = [row | {"id": f"v{n}", "fingerprint": f"v{n}"} for n in range(2500)]
        connection.execute(insert(violations), rows)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *it: asked.append(it[2]))
    assert remove(database, "violations", desk.clock.now + DAY) == 2500
    assert len([statement for statement in asked if statement.startswith("DELETE")]) == 3
