from datetime import timedelta
from typing import TYPE_CHECKING

from api.database import Database
from api.lease_epoch import BEGINNING, begin_epoch, first_attempt
from api.principal import Principal, Role
from api.sessions import find_session, open_session

if TYPE_CHECKING:
    from tests.api.desk import Desk


def test_a_report_under_a_lease_of_before_is_refused_and_one_of_after_is_taken(
    desk: "Desk", database: Database
) -> None:
    job_id, waiting = desk.start(), desk.start()
    (old,) = desk.lease()
    with database.write() as connection:
        assert begin_epoch(connection, desk.clock.now) == 1
    assert desk.send(old, desk.started(old)).get_json()["outcomes"][0]["last_seq"] is None
    leases = {lease["job_id"]: lease for lease in desk.lease("w2", slots=5)}
    assert set(leases) == {job_id, waiting}
    assert {it["attempt"] for it in leases.values()} == {first_attempt(desk.clock.now) + 1}
    new = leases[job_id]
    desk.good(desk.send(new, desk.started(new, "w2"), desk.ended(new)))
    assert desk.job(job_id)["status"] == "success"


def test_log_ins_of_before_are_over(desk: "Desk", database: Database) -> None:
    now, ada = desk.clock.now, Principal("ada", Role.ADMIN)
    with database.write() as connection:
        cookie = open_session(connection, ada, now, timedelta(hours=1))
        assert find_session(connection, cookie, now) is not None
        begin_epoch(connection, now)
        assert find_session(connection, cookie, now) is None


def test_ended_jobs_are_left_as_they_are(desk: "Desk", database: Database) -> None:
    job_id = desk.run({"name": "look"})
    before = desk.job(job_id)
    with database.write() as connection:
        assert begin_epoch(connection, desk.clock.now) == 0
    assert desk.job(job_id) == before


def test_job_that_was_to_be_cancelled_is(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    desk.lease()
    desk.good(desk.client.post(f"/api/v1/jobs/{job_id}/cancel"))
    with database.write() as connection:
        begin_epoch(connection, desk.clock.now)
    assert desk.job(job_id)["status"] == "cancelled"


def test_attempts_of_two_restores_do_not_meet() -> None:
    one, other = (first_attempt(BEGINNING + timedelta(minutes=m)) for m in (1000, 1001))
    assert other - one >= 10
    assert first_attempt(BEGINNING + timedelta(days=365 * 100)) < 2**31
    assert first_attempt(BEGINNING - timedelta(days=1)) > 0
