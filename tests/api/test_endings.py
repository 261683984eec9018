from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from api.acceptance import Report
from api.database import Database
from api.endings import Ending, cancel_job, end_job_here
from api.events import read_events
from api.intake import record_reports
from api.jobs import JobStatus, lock_job, read_job
from api.leases import Held, Term, claim_jobs
from api.problems import Conflict, NotFound

if TYPE_CHECKING:
    from tests.api.desk import Desk


def test_a_pending_job_is_cancelled_at_once(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    with database.write() as connection:
        cancel_job(connection, job_id, desk.clock.now)
        job = read_job(connection, job_id)
        (event,) = read_events(connection, job_id)
    assert (job.status, job.finished_at, job.cancel_requested) == (
        "cancelled",
        desk.clock.now,
        True,
    )
    assert (event.type, event.payload["status"]) == ("job_finished", "cancelled")
    assert job.error
    assert desk.lease() == []


def test_a_running_job_is_only_asked_to_end(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    desk.lease()
    with database.write() as connection:
        cancel_job(connection, job_id, desk.clock.now)
        job = read_job(connection, job_id)
    assert (job.status, job.cancel_requested) == ("running", True)


def test_cancelling_twice_is_cancelling_once(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    with database.write() as connection:
        cancel_job(connection, job_id, desk.clock.now)
        before = read_job(connection, job_id)
        cancel_job(connection, job_id, desk.clock.move(hours=1))
        assert read_job(connection, job_id) == before


def test_a_job_that_has_ended_cannot_be_cancelled(desk: "Desk", database: Database) -> None:
    job_id = desk.run()
    with database.write() as connection, pytest.raises(Conflict, match="has already ended"):
        cancel_job(connection, job_id, desk.clock.now)


def test_an_unknown_job_cannot_be_cancelled(desk: "Desk", database: Database) -> None:
    with database.write() as connection, pytest.raises(NotFound):
        cancel_job(connection, "x", desk.clock.now)


def test_an_end_of_the_apis_own_folds_verdicts_and_fences_the_worker(
    desk: "Desk", database: Database
) -> None:
    job_id = desk.start()
    (lease,) = desk.lease()
    desk.good(desk.send(lease, desk.finished(lease, "check", verdict="fail")))
    error = {"reason": "r", "advice": "a"}
    with database.write() as connection:
        ending = Ending(JobStatus.FAILED, error, desk.clock.now)
        end_job_here(connection, lock_job(connection, job_id), ending)
        history = read_events(connection, job_id)
    assert desk.job(job_id)["error"] == error
    assert len(desk.violations()) == 1
    assert [event.type for event in history] == ["task_finished", "job_finished"]
    assert desk.send(lease, desk.ended(lease)).status_code == 409


def test_a_job_that_is_cancelled_while_it_is_claimed_and_ended_ends_once(
    desk: "Desk", database: Database
) -> None:
    started = [desk.start() for _ in range(40)]
    term = Term("w1", desk.clock.now, timedelta(seconds=30))

    def cancel(job_id: str) -> None:
        with suppress(Conflict), database.write() as connection:
            cancel_job(connection, job_id, desk.clock.now)

    def work(_: int) -> None:
        with database.write() as connection:
            given = claim_jobs(connection, term, 5)
        for job in given:
            end = {"seq": 1, "at": desk.clock.now.isoformat(), "type": "job_finished"}
            held = Held(job.id, job.attempt, job.lease_token or "")
            report = Report(held, [end | {"status": "success"}])
            record_reports(database, [report], desk.clock.now)

    with ThreadPoolExecutor(8) as pool:
        cancels = [pool.submit(cancel, job_id) for job_id in started]
        works = [pool.submit(work, number) for number in range(8)]
        for future in (*cancels, *works):
            future.result()
    with database.read() as connection:
        for job_id in started:
            history = read_events(connection, job_id)
            assert [event.type for event in history] == ["job_finished"]
            assert read_job(connection, job_id).status == history[0].payload["status"]
