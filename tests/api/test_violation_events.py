"""Each change of a violation, of a job and of the source is told once, whatever makes it."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from api.catalogue import SourceReport, record_source
from api.database import Database
from api.happenings import EventType
from api.webhook_tables import deliveries
from utils.notes import Note

if TYPE_CHECKING:
    from tests.api.desk import Desk

BAD = {"name": "check", "verdict": "fail", "message": "m"}
GOOD = {"name": "check"}


class Told:
    """What has been queued since the last look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: set[str] = set()

    def rows(self) -> list[Any]:
        with self._database.read() as connection:
            rows = connection.execute(select(deliveries)).all()
        new = [row for row in rows if row.id not in self._seen]
        self._seen |= {row.id for row in new}
        return new

    def violations(self) -> Counter[str]:
        types = [row.type for row in self.rows()]
        return Counter(it.rpartition(".")[2] for it in types if "violation" in it)

    def jobs(self) -> list[str]:
        rows = [row for row in self.rows() if row.type == EventType.JOB_FINISHED]
        return [row.event["data"]["status"] for row in rows]


@pytest.fixture
def told(desk: "Desk", database: Database) -> Told:
    body = {"name": "all", "url": "https://example.com/hook"}
    desk.good(desk.client.post("/api/v1/webhooks", json=body))
    return Told(database)


def mute(desk: "Desk", **fields: Any) -> None:
    (violation,) = desk.violations()
    body = {"status": "muted", "reason": "known"} | fields
    desk.good(desk.client.patch(f"/api/v1/violations/{violation['id']}", json=body))


def test_opened_seen_resolved_and_reopened(desk: "Desk", told: Told) -> None:
    desk.run(BAD)
    assert told.violations() == {"opened": 1}
    desk.run(BAD)
    assert told.violations() == {}
    desk.run(GOOD)
    assert told.violations() == {"resolved": 1}
    desk.run(GOOD)
    assert told.violations() == {}
    desk.run(BAD)
    assert told.violations() == {"reopened": 1}


def test_report_that_is_sent_twice_tells_once(desk: "Desk", told: Told) -> None:
    desk.start()
    (lease,) = desk.lease()
    events = [desk.started(lease), desk.finished(lease, **BAD), desk.ended(lease)]
    for _ in range(3):
        desk.good(desk.send(lease, *events))
    rows = told.rows()
    assert Counter(row.type for row in rows) == {
        "dev.trueline.job.finished": 1,
        "dev.trueline.violation.opened": 1,
    }


def test_report_that_comes_days_late_has_its_day_to_be_sent(desk: "Desk", told: Told) -> None:
    desk.start()
    (lease,) = desk.lease()
    ended = desk.ended(lease)
    happened = desk.clock.now
    now = desk.clock.move(days=2)
    desk.good(desk.send(lease, ended))
    (row,) = told.rows()
    assert row.since == row.due_at == now
    assert datetime.fromisoformat(row.event["time"]) == happened


def test_what_is_muted_says_nothing(desk: "Desk", told: Told) -> None:
    desk.run(BAD)
    mute(desk)
    told.rows()
    desk.run(BAD)
    desk.run(GOOD)
    assert told.violations() == {}
    desk.run(BAD)
    assert told.violations() == {"reopened": 1}


def test_end_of_a_mute_tells_that_it_is_open_again_once(desk: "Desk", told: Told) -> None:
    desk.run(BAD)
    mute(desk, until=(desk.clock.now + timedelta(hours=1)).isoformat())
    told.rows()
    for _ in range(3):
        desk.clock.move(minutes=45)
        desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w1"}))
    desk.run(BAD)
    assert told.violations() == {"reopened": 1}


def test_mute_that_is_over_but_not_yet_ended_is_told_by_the_job(desk: "Desk", told: Told) -> None:
    desk.run(BAD)
    mute(desk, until=(desk.clock.now + timedelta(hours=1)).isoformat())
    told.rows()
    desk.clock.move(hours=2)
    desk.run(BAD)
    desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w1"}))
    assert told.violations() == {"reopened": 1}


def test_mute_taken_back_by_hand_is_told_and_an_acknowledgement_is_not(
    desk: "Desk", told: Told
) -> None:
    desk.run(BAD)
    mute(desk)
    told.rows()
    (violation,) = desk.violations()
    path = f"/api/v1/violations/{violation['id']}"
    for status in ("open", "acknowledged", "open"):
        desk.good(desk.client.patch(path, json={"status": status}))
    assert told.violations() == {"reopened": 1}


def test_deleted_deployment_resolves_what_was_not_muted(desk: "Desk", told: Told) -> None:
    desk.run(BAD)
    mute(desk)
    desk.run(BAD, {"name": "other", "verdict": "fail"})
    desk.start()
    told.rows()
    assert desk.client.delete("/api/v1/deployments/nightly").status_code == 204
    rows = told.rows()
    assert Counter(row.type.rpartition(".")[2] for row in rows) == {"resolved": 1, "finished": 1}


def test_every_end_of_a_job_is_told_once(desk: "Desk", told: Told) -> None:
    desk.run(GOOD)
    assert told.jobs() == ["partial"]
    cancelled = desk.start()
    for _ in range(2):
        desk.good(desk.client.post(f"/api/v1/jobs/{cancelled}/cancel"))
    assert told.jobs() == ["cancelled"]
    desk.start()
    ends = []
    for _ in range(4):  # its workers fall silent
        desk.lease()
        desk.clock.move(seconds=300)
        desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w2"}))
        ends.append(told.jobs())
    assert ends == [[], [], ["failed"], []]


def test_lost_and_retried_jobs_have_not_ended(desk: "Desk", told: Told) -> None:
    desk.start()
    (lease,) = desk.lease()
    cause = {"kind": "temporary", "retry_after": None}
    error = {"reason": "it was away", "advice": "wait"}
    desk.good(desk.send(lease, desk.ended(lease, "failed", error=error, cause=cause)))
    assert told.jobs() == []


def test_transaction_that_is_rolled_back_tells_nothing(
    desk: "Desk", told: Told, database: Database
) -> None:
    def break_off() -> None:
        with database.write() as connection:
            report = SourceReport("u", "main", None, "degraded", Note("r", "a"))
            record_source(connection, report, desk.clock.now)
            assert connection.execute(select(deliveries)).all()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert told.rows() == []


def test_source_is_told_when_its_state_changes(desk: "Desk", told: Told) -> None:
    put = _catalogue_putter(desk.client)
    types = []
    for state in ("ok", "degraded", "degraded", "ok", "ok", "degraded"):
        put(state)
        types.append([row.type.rpartition(".")[2] for row in told.rows()])
    assert types == [[], ["degraded"], [], ["recovered"], [], ["degraded"]]


def _catalogue_putter(client: FlaskClient) -> Callable[[str], None]:
    def put(state: str) -> None:
        problem = {"reason": "it is away", "advice": "wait"} if state == "degraded" else None
        source = {"url": "https://git.example/a", "ref": "main", "state": state}
        body: dict[str, Any] = {
            "worker": "w1",
            "commit": "c" * 40,
            "isolation": None,
            "integrations": [],
        }
        answer = client.put(
            "/api/v1/catalogue", json=body | {"source": source | {"problem": problem}}
        )
        assert answer.status_code == 200, answer.json

    return put
