from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from api.database import Database
from api.grace import Grace
from api.jobs import JobStatus, read_job
from api.tables import deployments, jobs
from api.ticks import Tick, tick

if TYPE_CHECKING:
    from tests.api.desk import Desk


@pytest.fixture
def hourly(desk: "Desk") -> str:
    """Deploy something that is due at 13:00 for the first time."""
    return desk.deploy("hourly", schedule="0 * * * *")


def tick_at(database: Database, now: datetime) -> Tick:
    grace = Grace(now - timedelta(hours=1), timedelta(seconds=30))
    with database.write() as connection:
        return tick(connection, now, grace)


def due_times(database: Database) -> list[datetime]:
    with database.read() as connection:
        found = connection.execute(select(jobs.c.due_at).order_by(jobs.c.due_at)).scalars()
        return list(found)


@pytest.mark.usefixtures("hourly")
def test_nothing_happens_before_the_due_time(desk: "Desk", database: Database) -> None:
    due = desk.clock.now + timedelta(hours=1)
    assert tick_at(database, desk.clock.move(minutes=59)) == Tick((), (), due)


def test_a_due_deployment_gets_one_scheduled_job(
    desk: "Desk", database: Database, hourly: str
) -> None:
    due = desk.clock.now + timedelta(hours=1)
    done = tick_at(database, desk.clock.move(hours=1, seconds=3))
    assert done.next_due_at == due + timedelta(hours=1)
    (job_id,) = done.created
    with database.read() as connection:
        job = read_job(connection, job_id)
    assert (job.trigger, job.due_at, job.deployment_id) == ("schedule", due, hourly)
    assert tick_at(database, desk.clock.now).created == ()


@pytest.mark.usefixtures("hourly")
def test_a_hundred_missed_times_become_one_job(desk: "Desk", database: Database) -> None:
    first_due = desk.clock.now + timedelta(hours=1)
    done = tick_at(database, desk.clock.move(hours=100, minutes=5))
    assert len(done.created) == 1
    assert due_times(database) == [first_due]
    assert done.next_due_at == desk.clock.now + timedelta(minutes=55)


@pytest.mark.usefixtures("hourly")
def test_no_second_scheduled_job_queues_up_behind_a_pending_one(
    desk: "Desk", database: Database
) -> None:
    assert len(tick_at(database, desk.clock.move(hours=1)).created) == 1
    assert tick_at(database, desk.clock.move(hours=1)).created == ()
    desk.clock.move(minutes=59, seconds=50)
    (lease,) = desk.lease()
    assert len(tick_at(database, desk.clock.move(seconds=10)).created) == 1
    assert desk.job(lease["job_id"])["status"] == "running"


@pytest.mark.usefixtures("hourly")
def test_a_manual_job_that_waits_does_not_stand_in_for_the_scheduled_one(
    desk: "Desk", database: Database
) -> None:
    desk.start("hourly")
    assert len(tick_at(database, desk.clock.move(hours=1)).created) == 1


@pytest.mark.usefixtures("hourly")
def test_many_tickers_make_one_job_a_due_time(desk: "Desk", database: Database) -> None:
    for _ in range(5):
        now = desk.clock.move(hours=1)
        with ThreadPoolExecutor(8) as pool:
            ticks = list(pool.map(lambda _, now=now: tick_at(database, now), range(8)))
        (created,) = [job_id for done in ticks for job_id in done.created]
        (lease,) = desk.lease()
        assert lease["job_id"] == created
        desk.good(desk.send(lease, desk.ended(lease)))
    assert len(due_times(database)) == 5


def test_a_paused_deployment_is_never_due(desk: "Desk", database: Database, hourly: str) -> None:
    desk.good(desk.client.patch(f"/api/v1/deployments/{hourly}", json={"enabled": False}))
    assert tick_at(database, desk.clock.move(days=2)) == Tick((), (), None)
    desk.good(desk.client.patch(f"/api/v1/deployments/{hourly}", json={"enabled": True}))
    done = tick_at(database, desk.clock.now)
    assert done.created == ()
    assert done.next_due_at == desk.clock.now + timedelta(hours=1)


@pytest.mark.usefixtures("hourly")
def test_a_clock_that_jumped_back_makes_no_second_job_of_a_due_time(
    desk: "Desk", database: Database
) -> None:
    due = desk.clock.now + timedelta(hours=1)
    (job_id,) = tick_at(database, desk.clock.move(hours=1)).created
    with database.write() as connection:
        connection.execute(update(jobs).values(status=JobStatus.SUCCESS))
        connection.execute(
            update(deployments).where(deployments.c.name == "hourly").values(next_due_at=due)
        )
    done = tick_at(database, desk.clock.now)
    assert (done.created, done.next_due_at) == ((), due + timedelta(hours=1))
    assert desk.job(job_id)["status"] == "success"


@pytest.mark.usefixtures("hourly")
def test_a_clock_that_ran_ahead_and_was_put_right_loses_no_due_time(
    desk: "Desk", database: Database
) -> None:
    start = desk.clock.now
    assert len(tick_at(database, desk.clock.move(hours=5)).created) == 1
    with database.write() as connection:
        connection.execute(update(jobs).values(status=JobStatus.SUCCESS))
    back = tick_at(database, desk.clock.move(hours=-5))
    assert (back.created, back.next_due_at) == ((), start + timedelta(hours=1))
    assert tick_at(database, desk.clock.move(hours=1)).created == ()  # it had its job
    assert len(tick_at(database, desk.clock.move(hours=1)).created) == 1


def test_a_schedule_that_can_no_longer_be_read_sets_its_deployment_aside(
    desk: "Desk", database: Database, hourly: str
) -> None:
    desk.deploy("sound", schedule="0 * * * *")
    with database.write() as connection:
        broken = update(deployments).where(deployments.c.id == hourly)
        connection.execute(broken.values(timezone="Atlantis/Capital"))
    assert len(tick_at(database, desk.clock.move(hours=1)).created) == 1
    deployment = desk.good(desk.client.get(f"/api/v1/deployments/{hourly}"))
    assert (deployment["state"], deployment["next_due_at"]) == ("needs_attention", None)
    assert "Atlantis/Capital" in deployment["problem"]["reason"]


def test_a_tick_takes_jobs_from_silent_workers_and_ends_mutes(
    desk: "Desk", database: Database
) -> None:
    desk.run({"name": "check", "verdict": "fail"})
    (violation,) = desk.violations()
    mute = {"status": "muted", "reason": "later", "until": "2026-03-02T12:00:20Z"}
    desk.good(desk.client.patch(f"/api/v1/violations/{violation['id']}", json=mute))
    job_id = desk.start()
    desk.lease()
    done = tick_at(database, desk.clock.move(seconds=31))
    assert done.expired == (job_id,)
    assert desk.violations()[0]["status"] == "open"
