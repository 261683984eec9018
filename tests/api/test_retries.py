from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.config_secrets import SecretBox
from api.database import Database
from api.events import read_events
from api.reconsideration import reconsider
from api.retries import LONGEST_WAIT_SECONDS, MOST_RETRIES
from api.secret_key import Keyring
from utils import __version__

if TYPE_CHECKING:
    from tests.api.desk import Desk

TEMPORARY = {"kind": "temporary", "retry_after": None}
AUTH = {"kind": "auth", "retry_after": None}
ERROR = {"reason": "no task succeeded: 1 failed", "advice": "see the errors of each task"}


def limited(seconds: float | None) -> dict[str, Any]:
    return {"kind": "rate_limited", "retry_after": seconds}


def attempt(desk: "Desk", cause: dict[str, Any] | None, status: str = "failed") -> None:
    (lease,) = desk.lease()
    started = desk.started(lease)
    failed = desk.finished(lease, "check", status="failed", verdict="unknown", cause=cause)
    ended = desk.ended(lease, status, error=ERROR, cause=cause)
    desk.good(desk.send(lease, started, failed, ended))


def deployment(desk: "Desk") -> dict[str, Any]:
    return desk.good(desk.client.get("/api/v1/deployments/nightly"))


def test_a_spent_rate_limit_puts_the_job_off_for_as_long_as_it_lasts(desk: "Desk") -> None:
    job_id = desk.start()
    attempt(desk, limited(90.0))
    job = desk.job(job_id)
    assert (job["status"], job["finished_at"], job["attempt"]) == ("pending", None, 1)
    assert "a rate limit was spent (try 1 of 4): no task succeeded" in job["error"]["reason"]
    desk.clock.now += timedelta(seconds=89)
    assert desk.lease() == []
    desk.clock.now += timedelta(seconds=1)
    (lease,) = desk.lease()
    assert desk.job(job_id)["error"] is None
    desk.good(desk.send(lease, desk.finished(lease, "check"), desk.ended(lease)))
    job = desk.job(job_id)
    assert (job["status"], job["attempt"]) == ("success", 2)
    assert job["summary"]["tasks"]["success"] == 1


def test_what_is_temporary_is_tried_again_ever_later_and_not_for_ever(desk: "Desk") -> None:
    job_id = desk.start()
    waits = []
    for _ in range(MOST_RETRIES):
        attempt(desk, TEMPORARY)
        began = desk.clock.now
        assert desk.job(job_id)["status"] == "pending"
        while not _is_offered(desk):
            desk.clock.now += timedelta(seconds=10)
        waits.append((desk.clock.now - began).total_seconds())
    attempt(desk, TEMPORARY)
    job = desk.job(job_id)
    assert (job["status"], job["error"], job["retries"]) == ("failed", ERROR, MOST_RETRIES)
    for wait, least in zip(waits, (30, 120, 480), strict=True):
        assert least <= wait <= least * 1.25 + 10


def _is_offered(desk: "Desk") -> bool:
    """Look whether the job is given, and give it back."""
    leases = desk.lease()
    for lease in leases:
        names = {name: lease[name] for name in ("job_id", "attempt", "token")}
        body = {"worker": "w1", "leases": [names]}
        desk.good(desk.client.post("/api/v1/leases/release", json=body))
    return bool(leases)


def test_the_history_tells_of_each_attempt(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    attempt(desk, limited(10.0))
    desk.clock.now += timedelta(seconds=10)
    attempt(desk, None)
    with database.read() as connection:
        events = read_events(connection, job_id)
    ends = [event for event in events if event.type.startswith("job_")]
    assert [(event.type, event.position.attempt) for event in ends] == [
        ("job_retried", 1),
        ("job_finished", 2),
    ]
    assert datetime.fromisoformat(ends[0].payload["retry_at"]) == desk.clock.now
    assert ends[0].payload["cause"] == limited(10.0)


def test_what_would_not_help_is_not_tried_again(desk: "Desk") -> None:
    permanent = {"kind": "permanent", "retry_after": None}
    disabled = {"kind": "disabled", "retry_after": None}
    for cause in (None, permanent, disabled, limited(LONGEST_WAIT_SECONDS + 1)):
        job_id = desk.start()
        attempt(desk, cause)
        assert desk.job(job_id)["status"] == "failed", cause
    assert deployment(desk)["state"] == "active"


def test_a_job_that_is_put_off_can_be_cancelled_and_one_to_be_cancelled_is_not_put_off(
    desk: "Desk",
) -> None:
    job_id = desk.start()
    attempt(desk, TEMPORARY, "partial")
    desk.good(desk.client.post(f"/api/v1/jobs/{job_id}/cancel"))
    assert desk.job(job_id)["status"] == "cancelled"
    job_id = desk.start()
    (lease,) = desk.lease()
    desk.good(desk.client.post(f"/api/v1/jobs/{job_id}/cancel"))
    desk.good(desk.send(lease, desk.ended(lease, "failed", cause=TEMPORARY)))
    assert desk.job(job_id)["status"] == "failed"


@pytest.mark.parametrize(
    ("kind", "told"), [("auth", "credentials were refused"), ("not_configured", "not complete")]
)
def test_refused_credentials_stop_the_deployment_until_somebody_changes_it(
    desk: "Desk", kind: str, told: str
) -> None:
    desk.good(desk.client.patch("/api/v1/deployments/nightly", json={"schedule": "every 1h"}))
    assert deployment(desk)["next_due_at"]
    desk.clock.now += timedelta(seconds=1)
    desk.deploy("weekly")
    job_id = desk.start()
    desk.clock.now += timedelta(seconds=1)
    waiting, others = desk.start(), desk.start("weekly")
    attempt(desk, {"kind": kind, "retry_after": None})
    assert desk.job(job_id)["status"] == "failed"
    assert_not_begun(desk, waiting, told)
    assert [lease["job_id"] for lease in desk.lease(slots=5)] == [others]
    stopped = deployment(desk)
    assert (stopped["state"], stopped["next_due_at"]) == ("needs_attention", None)
    assert told in stopped["problem"]["reason"]
    assert job_id in stopped["problem"]["reason"]
    refused = desk.client.post("/api/v1/deployments/nightly/jobs")
    assert refused.status_code == 409
    body = {"config": {"token": "new"}}
    desk.good(desk.client.patch("/api/v1/deployments/nightly", json=body))
    again = deployment(desk)
    assert (again["state"], again["problem"]) == ("active", None)
    assert again["next_due_at"]
    desk.start()


def assert_not_begun(desk: "Desk", job_id: str, told: str) -> None:
    job = desk.job(job_id)
    assert (job["status"], job["started_at"]) == ("cancelled", None)
    assert "deployment 'nightly' needs attention" in job["error"]["reason"]
    assert told in job["error"]["reason"]
    assert "PATCH" in job["error"]["advice"]


def test_a_job_that_comes_back_to_a_refused_deployment_is_not_given_again(desk: "Desk") -> None:
    desk.clock.now += timedelta(seconds=1)
    returned, refused = desk.start(), desk.start()
    (first, second) = sorted(desk.lease(slots=2), key=lambda lease: lease["job_id"] == refused)
    desk.clock.now += timedelta(seconds=1)
    sound = desk.start(desk.deploy("weekly"))
    desk.good(desk.send(second, desk.ended(second, "failed", error=ERROR, cause=AUTH)))
    names = {name: first[name] for name in ("job_id", "attempt", "token")}
    body = {"worker": "w1", "leases": [names]}
    desk.good(desk.client.post("/api/v1/leases/release", json=body))
    assert (desk.job(returned)["status"], desk.job(refused)["status"]) == ("pending", "failed")
    asked = {"worker": "w1", "slots": 1, "wait_seconds": 5, "version": __version__}
    (lease,) = desk.good(desk.client.post("/api/v1/leases", json=asked))["leases"]
    assert lease["job_id"] == sound  # although it stands behind the other
    assert_not_begun(desk, returned, "credentials were refused")


def test_a_new_commit_does_not_forget_that_credentials_were_refused(
    desk: "Desk", database: Database, tmp_path: Path
) -> None:
    desk.clock.now += timedelta(seconds=1)
    desk.start()
    attempt(desk, AUTH)
    with database.write() as connection:
        reconsider(connection, ["tool"], SecretBox(Keyring(tmp_path / "key")), desk.clock.now)
    assert deployment(desk)["state"] == "needs_attention"


def test_a_paused_deployment_stays_paused_and_needs_attention_later(desk: "Desk") -> None:
    desk.clock.now += timedelta(seconds=1)
    desk.start()
    attempt(desk, AUTH)
    desk.good(desk.client.patch("/api/v1/deployments/nightly", json={"enabled": False}))
    assert deployment(desk)["state"] == "paused"
    desk.good(desk.client.patch("/api/v1/deployments/nightly", json={"enabled": True}))
    assert deployment(desk)["state"] == "active"


def test_a_job_of_the_old_config_says_nothing_of_the_new_one(desk: "Desk") -> None:
    desk.start()
    (lease,) = desk.lease()
    desk.clock.now += timedelta(seconds=1)
    body = {"config": {"token": "new"}}
    desk.good(desk.client.patch("/api/v1/deployments/nightly", json=body))
    desk.good(desk.send(lease, desk.ended(lease, "failed", error=ERROR, cause=AUTH)))
    assert deployment(desk)["state"] == "active"


def test_a_tick_tells_when_a_job_that_was_put_off_is_due(desk: "Desk") -> None:
    desk.start()
    attempt(desk, limited(90.0))
    until = desk.clock.now + timedelta(seconds=90)
    told = desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w1"}))["next_due_at"]
    assert datetime.fromisoformat(told) == until
    desk.clock.now = until
    told = desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w1"}))["next_due_at"]
    assert told is None  # it waits for a worker from here on, and for no tick
    assert len(desk.lease()) == 1
