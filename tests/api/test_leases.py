from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from api.database import Database
from api.events import read_events
from api.jobs import read_job
from api.leases import Held, Term, claim_jobs, release_leases, renew_leases
from api.tables import task_results

if TYPE_CHECKING:
    from tests.api.desk import Desk

LEASE = timedelta(seconds=30)


def term(desk: "Desk", worker: str = "w1") -> Term:
    return Term(worker, desk.clock.now, LEASE)


def held(desk: "Desk") -> Held:
    desk.start()
    (lease,) = desk.lease()
    return Held(lease["job_id"], lease["attempt"], lease["token"])


def test_the_oldest_jobs_are_given_first_up_to_the_slots(desk: "Desk", database: Database) -> None:
    started = []
    for _ in range(4):
        started.append(desk.start())
        desk.clock.move(seconds=1)
    with database.write() as connection:
        first = claim_jobs(connection, term(desk), 3)
        rest = claim_jobs(connection, term(desk, "w2"), 3)
    assert [job.id for job in first + rest] == started
    assert len({job.lease_token for job in first + rest}) == 4
    assert {job.worker for job in rest} == {"w2"}
    assert all(job.attempt == 1 and job.lease_expires_at == term(desk).end for job in first)


def test_what_is_given_is_what_is_recorded(desk: "Desk", database: Database) -> None:
    desk.start()
    with database.write() as connection:
        (given,) = claim_jobs(connection, term(desk), 1)
        assert read_job(connection, given.id) == given
    assert given.started_at == desk.clock.now


def test_a_renewed_lease_lasts_from_now(desk: "Desk", database: Database) -> None:
    lease = held(desk)
    desk.clock.move(seconds=20)
    with database.write() as connection:
        renewal = renew_leases(connection, term(desk), [lease])
        assert read_job(connection, lease.job_id).lease_expires_at == term(desk).end
    assert (renewal.renewed, renewal.lost, renewal.cancelled) == ((lease.job_id,), (), ())


@pytest.mark.parametrize("wrong", ["token", "attempt", "worker", "job"])
def test_only_the_owner_of_the_present_attempt_keeps_a_lease(
    desk: "Desk", database: Database, wrong: str
) -> None:
    lease = held(desk)
    other = Held(
        "no-such-job" if wrong == "job" else lease.job_id,
        2 if wrong == "attempt" else lease.attempt,
        "guessed" if wrong == "token" else lease.token,
    )
    asking = term(desk, "w2" if wrong == "worker" else "w1")
    with database.write() as connection:
        renewal = renew_leases(connection, asking, [other])
        assert release_leases(connection, asking.worker, [other], asking.now) == ()
        assert read_job(connection, lease.job_id).status == "running"
    assert (renewal.renewed, renewal.lost) == ((), (other.job_id,))


def test_a_released_job_waits_again_and_counts_no_loss(desk: "Desk", database: Database) -> None:
    lease = held(desk)
    with database.write() as connection:
        assert release_leases(connection, "w1", [lease], desk.clock.now) == (lease.job_id,)
        job = read_job(connection, lease.job_id)
        history = read_events(connection, lease.job_id)
    assert (job.status, job.losses, job.lease_token, job.started_at) == ("pending", 0, None, None)
    assert [(event.type, event.payload) for event in history] == [("released", {"worker": "w1"})]


def test_the_next_attempt_has_a_new_token_and_no_results_of_the_last(
    desk: "Desk", database: Database
) -> None:
    desk.start()
    (first,) = desk.lease()
    desk.good(desk.send(first, desk.started(first), desk.finished(first, "check")))
    lease = Held(first["job_id"], first["attempt"], first["token"])
    with database.write() as connection:
        release_leases(connection, "w1", [lease], desk.clock.now)
    (second,) = desk.lease("w2")
    assert second["attempt"] == 2
    assert second["token"] != first["token"]
    with database.read() as connection:
        assert connection.execute(select(task_results)).all() == []
        assert len(read_events(connection, first["job_id"])) == 3


def test_a_released_job_that_was_to_be_cancelled_ends(desk: "Desk", database: Database) -> None:
    lease = held(desk)
    desk.good(desk.client.post(f"/api/v1/jobs/{lease.job_id}/cancel"))
    with database.write() as connection:
        assert renew_leases(connection, term(desk), [lease]).cancelled == (lease.job_id,)
        release_leases(connection, "w1", [lease], desk.clock.now)
        assert read_job(connection, lease.job_id).status == "cancelled"


def test_twenty_claimers_get_each_of_500_jobs_once(desk: "Desk", database: Database) -> None:
    started = {desk.start() for _ in range(500)}

    def claim_all(worker: str) -> list[str]:
        mine: list[str] = []
        while True:
            with database.write() as connection:
                given = claim_jobs(connection, term(desk, worker), 7)
            if not given:
                return mine
            mine += [job.id for job in given]

    with ThreadPoolExecutor(20) as pool:
        shares = list(pool.map(claim_all, [f"w{number}" for number in range(20)]))
    claimed = [job_id for share in shares for job_id in share]
    assert len(claimed) == 500
    assert set(claimed) == started
