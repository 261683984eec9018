from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, update

from api.config_secrets import OpenConfig
from api.database import Database
from api.grants import Grants, grant_jobs
from api.leases import Term
from api.state import State
from api.tables import deployments

if TYPE_CHECKING:
    from tests.api.desk import Desk


def grant(desk: "Desk", state: State, slots: int = 5) -> Grants:
    term = Term("w1", desk.clock.now, timedelta(seconds=30))
    with state.database.write() as connection:
        return grant_jobs(connection, state.secrets, term, slots)


def seal(state: State, database: Database) -> None:
    with database.write() as connection:
        (deployment_id,) = connection.execute(deployments.select()).one()[:1]
        config = {"token": "hunter2", "n": 1, "key": "env:KEY"}
        opened = OpenConfig(config, ("/token",), ("/key",))
        sealed = state.secrets.seal(connection, opened, deployment_id)
        connection.execute(update(deployments).values(config=sealed))


def test_a_worker_gets_the_config_in_clear_and_where_its_secrets_are(
    desk: "Desk", state: State, database: Database
) -> None:
    seal(state, database)
    job_id = desk.start()
    (given,) = grant(desk, state).given
    assert given.job.id == job_id
    assert given.config == {"token": "hunter2", "n": 1, "key": "env:KEY"}
    assert (given.secrets, given.references) == (("/token",), ("/key",))
    assert "hunter2" not in repr(given)


def test_a_job_whose_secrets_cannot_be_opened_fails_and_the_others_are_given(
    desk: "Desk", state: State, database: Database
) -> None:
    seal(state, database)
    desk.deploy("weekly")
    broken, sound = desk.start(), desk.start("weekly")
    with database.write() as connection:
        lost = {"token": {"$sealed": "gAAAAA"}}
        connection.execute(
            update(deployments).where(deployments.c.name == "nightly").values(config=lost)
        )
    grants = grant(desk, state)
    assert [given.job.id for given in grants.given] == [sound]
    assert grants.ended == (broken,)
    job = desk.job(broken)
    assert job["status"] == "failed"
    assert job["error"]["advice"]


def test_a_job_whose_deployment_is_gone_fails(
    desk: "Desk", state: State, database: Database
) -> None:
    job_id = desk.start()
    with database.write() as connection:
        connection.execute(delete(deployments))
    assert grant(desk, state) == Grants(ended=(job_id,))
    assert "deleted" in desk.job(job_id)["error"]["reason"]


def test_nothing_waiting_gives_nothing(desk: "Desk", state: State) -> None:
    assert grant(desk, state) == Grants()
