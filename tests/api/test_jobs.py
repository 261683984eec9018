from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from api.database import Database
from api.deployments import find_deployment
from api.jobs import (
    ENDED,
    TRANSITIONS,
    JobStatus,
    Trigger,
    create_job,
    lock_jobs,
    move_job,
    read_job,
    request_job,
)
from api.problems import Conflict, NotFound
from api.tables import deployments, jobs

if TYPE_CHECKING:
    from tests.api.desk import Desk


def test_exactly_the_four_ends_lead_nowhere() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert {"success", "partial", "failed", "cancelled"} == ENDED


def test_a_new_job_waits_and_knows_its_deployment(desk: "Desk", database: Database) -> None:
    with database.write() as connection:
        deployment = find_deployment(connection, "nightly")
        made = create_job(connection, deployment, Trigger.SCHEDULE, desk.clock.now, desk.clock.now)
        read = read_job(connection, made.id)
    assert read == made
    assert (read.status, read.attempt, read.deployment_name) == ("pending", 0, "nightly")


@pytest.mark.parametrize(
    ("state", "problem", "reason"),
    [
        ("paused", None, "deployment 'nightly' is paused: somebody paused it"),
        (
            "needs_attention",
            {"reason": "its config is wrong", "advice": "correct it"},
            "deployment 'nightly' needs attention: its config is wrong",
        ),
    ],
)
def test_a_deployment_that_does_not_run_gets_no_job(
    desk: "Desk", database: Database, state: str, problem: dict[str, str] | None, reason: str
) -> None:
    with database.write() as connection:
        connection.execute(update(deployments).values(state=state, problem=problem))
        deployment = find_deployment(connection, "nightly")
        with pytest.raises(Conflict) as refused:
            request_job(connection, deployment, desk.clock.now)
        assert connection.execute(select(jobs)).first() is None
    assert refused.value.reason == reason
    assert refused.value.advice


@pytest.mark.parametrize("status", sorted(ENDED))
def test_an_ended_job_cannot_move(desk: "Desk", database: Database, status: str) -> None:
    job_id = desk.start()
    with database.write() as connection:
        connection.execute(update(jobs).values(status=status))
        ended = read_job(connection, job_id)
        with pytest.raises(Conflict, match=f"is {status} and cannot become running"):
            move_job(connection, ended, JobStatus.RUNNING)


def test_a_job_that_moved_meanwhile_is_not_moved_again(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    with database.write() as connection:
        before = lock_jobs(connection, [job_id])[job_id]
        move_job(connection, before, JobStatus.RUNNING, attempt=1)
        with pytest.raises(Conflict, match="changed meanwhile"):
            move_job(connection, before, JobStatus.CANCELLED)


def test_an_unknown_job_is_not_found(database: Database) -> None:
    with database.read() as connection, pytest.raises(NotFound, match="no job 'x'"):
        read_job(connection, "x")


def test_a_token_does_not_show_where_a_job_is_printed(desk: "Desk", database: Database) -> None:
    desk.start()
    (lease,) = desk.lease()
    with database.read() as connection:
        assert lease["token"] not in repr(read_job(connection, lease["job_id"]))
