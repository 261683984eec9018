from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from api.database import Database
from api.grace import Grace
from api.lease_watch import LeaseWatch
from api.state import State
from utils.settings import Settings
from worker.api_client import DATABASE_AWAY

if TYPE_CHECKING:
    from tests.api.desk import Desk

LEASE = timedelta(seconds=30)


def tick(desk: "Desk") -> Any:
    return desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w2"}))["expired"]


def renew(desk: "Desk", lease: Mapping[str, Any], worker: str = "w1") -> Any:
    named = {name: lease[name] for name in ("job_id", "attempt", "token")}
    return desk.client.post("/api/v1/leases/renew", json={"worker": worker, "leases": [named]})


def test_leases_outlive_an_outage_and_those_of_dead_workers_end_with_the_next(
    desk: "Desk", database: Database, state: State, settings: Settings
) -> None:
    """Another process of the API has them kept as well: each sees the outage itself."""
    desk.clock.move(hours=1)
    hasty = Database(settings.database, busy_timeout_ms=20)
    watches = [LeaseWatch(it, desk.clock, state.grace, LEASE) for it in (hasty, database)]
    job_id = desk.start()
    (lease,) = desk.lease()
    for watch in watches:
        watch.look()
    with database.write() as connection:
        if database.kind == "postgresql":
            connection.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
        desk.clock.move(seconds=100)
        answer = renew(desk, lease)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json["type"] == DATABASE_AWAY
        with pytest.raises(OperationalError):
            watches[0].look()
    hasty.close()

    assert tick(desk) == []  # before the end of the outage is noticed
    with capture_logs() as logs:
        watches[1].look()
    assert [(it["event"], it["outage_seconds"]) for it in logs] == [("leases get more time", 100)]
    assert renew(desk, lease, worker="w9").json["lost"] == [job_id]  # asks the database again
    for _ in range(30):
        assert tick(desk) == []
        desk.clock.move(seconds=1)
        watches[1].look()
    assert tick(desk) == [job_id]


def test_look_changes_nothing_and_comes_often(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    before = desk.job(job_id)
    watches = [
        LeaseWatch(database, desk.clock, Grace(desk.clock.now, it), it)
        for it in (LEASE, timedelta(seconds=2))
    ]
    for watch in watches:
        watch.look()
    assert desk.job(job_id) == before
    assert [watch.seconds for watch in watches] == [1.0, 0.2]
