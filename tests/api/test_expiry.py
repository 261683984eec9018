from datetime import timedelta
from typing import TYPE_CHECKING

from api.database import Database
from api.events import read_events
from api.expiry import MOST_LOSSES, expire_leases
from api.grace import Grace
from api.jobs import Job, read_job

if TYPE_CHECKING:
    from tests.api.desk import Desk

LEASE = timedelta(seconds=30)


def expire(desk: "Desk", database: Database, started_seconds_ago: float = 3600) -> tuple[str, ...]:
    grace = Grace(desk.clock.now - timedelta(seconds=started_seconds_ago), LEASE)
    with database.write() as connection:
        return expire_leases(connection, desk.clock.now, grace)


def job_of(database: Database, job_id: str) -> Job:
    with database.read() as connection:
        return read_job(connection, job_id)


def test_a_lease_that_runs_out_gives_the_job_back_and_counts_a_loss(
    desk: "Desk", database: Database
) -> None:
    job_id = desk.start()
    desk.lease()
    desk.clock.move(seconds=30)
    assert expire(desk, database) == ()
    desk.clock.move(seconds=1)
    assert expire(desk, database) == (job_id,)
    job = job_of(database, job_id)
    assert (job.status, job.losses, job.worker, job.lease_token) == ("pending", 1, None, None)
    assert expire(desk, database) == ()


def test_a_late_report_is_refused_once_the_job_was_given_away(
    desk: "Desk", database: Database
) -> None:
    desk.start()
    (late,) = desk.lease("w1")
    desk.clock.move(seconds=31)
    expire(desk, database)
    refused = desk.send(late, desk.started(late))
    assert refused.status_code == 409
    (present,) = desk.lease("w2")
    assert desk.send(late, desk.ended(late)).status_code == 409
    desk.good(desk.send(present, desk.started(present, "w2"), desk.ended(present)))
    assert desk.job(present["job_id"])["attempt"] == 2


def test_a_lease_that_ran_out_but_was_not_given_away_can_still_be_renewed(desk: "Desk") -> None:
    job_id = desk.start()
    (lease,) = desk.lease()
    desk.clock.move(seconds=100)
    named = {name: lease[name] for name in ("job_id", "attempt", "token")}
    body = {"worker": "w1", "leases": [named]}
    renewal = desk.good(desk.client.post("/api/v1/leases/renew", json=body))
    assert renewal == {"renewed": [job_id], "lost": [], "cancelled": []}


def test_after_its_start_the_api_gives_every_lease_one_more_period(
    desk: "Desk", database: Database
) -> None:
    job_id = desk.start()
    desk.lease()
    desk.clock.move(hours=1)
    assert expire(desk, database, started_seconds_ago=29) == ()
    assert expire(desk, database, started_seconds_ago=30) == (job_id,)


def test_a_job_that_loses_every_worker_fails_and_tells_its_story(
    desk: "Desk", database: Database
) -> None:
    job_id = desk.start()
    for number in range(1, MOST_LOSSES + 1):
        (lease,) = desk.lease(f"w{number}")
        started = desk.started(lease, f"w{number}")
        last = desk.event(lease, "task_started", task="eat_memory")
        noise = desk.event(lease, "output", stream="stdout", text="x")
        desk.good(desk.send(lease, started, last, noise))
        desk.clock.move(seconds=31)
        assert expire(desk, database) == (job_id,)
    job = desk.job(job_id)
    assert job["status"] == "failed"
    assert job["finished_at"] is not None
    for number in range(1, MOST_LOSSES + 1):
        told = f"attempt {number} on w{number}, last heard of: task_started eat_memory"
        assert told in job["error"]["reason"]
    assert job["error"]["advice"]
    assert desk.lease() == []
    with database.read() as connection:
        types = [event.type for event in read_events(connection, job_id)]
    assert types.count("lost") == MOST_LOSSES
    assert types[-1] == "job_finished"


def test_a_job_that_was_never_heard_of_says_so(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    for _ in range(MOST_LOSSES):
        desk.lease()
        desk.clock.move(seconds=31)
        expire(desk, database)
    assert "last heard of: nothing" in desk.job(job_id)["error"]["reason"]


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    desk.lease()
    asked = desk.good(desk.client.post(f"/api/v1/jobs/{job_id}/cancel"))
    assert (asked["status"], asked["cancel_requested"]) == ("running", True)
    desk.clock.move(seconds=31)
    expire(desk, database)
    assert desk.job(job_id)["status"] == "cancelled"
