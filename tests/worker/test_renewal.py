from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from worker.api_client import DATABASE_AWAY, ApiClient
from worker.held_leases import HeldLeases, steady_seconds
from worker.lease import Lease
from worker.renewal import Renewal
from worker.stop_signal import StopSignal

if TYPE_CHECKING:
    from tests.worker.conftest import Eventually, Said, ScriptedApi

A = Lease("a", 1, "ta")
B = Lease("b", 4, "tb")
RENEW = "/api/v1/leases/renew"
LEASE_SECONDS = 0.9


@pytest.fixture
def held() -> HeldLeases:
    return HeldLeases()


@pytest.fixture
def finished() -> set[Lease]:
    return set()


@pytest.fixture
def renewal(scripted_api: ScriptedApi, held: HeldLeases, finished: set[Lease]) -> Iterator[Renewal]:
    client = ApiClient(scripted_api.url, "", "worker-1")
    renewal = Renewal(client, held, lambda: frozenset(finished))
    renewal.start()
    yield renewal
    renewal.stop()
    client.close()


@pytest.mark.usefixtures("renewal")
def test_leases_of_running_jobs_are_kept(
    scripted_api: ScriptedApi, said: type[Said], held: HeldLeases, eventually: Eventually
) -> None:
    scripted_api.say(RENEW, said(body={"renewed": ["a"]}))
    stop = StopSignal()
    with held.hold(A, LEASE_SECONDS, steady_seconds(), stop):
        eventually(lambda: len(scripted_api.asked) >= 5)

    assert stop.reason is None
    assert scripted_api.bodies(RENEW)[0]["leases"] == [{"job_id": "a", "attempt": 1, "token": "ta"}]


@pytest.mark.usefixtures("renewal")
def test_lost_lease_stops_its_job_and_is_not_asked_for_again(
    scripted_api: ScriptedApi, said: type[Said], held: HeldLeases, eventually: Eventually
) -> None:
    scripted_api.say(RENEW, said(body={"renewed": ["b"], "lost": ["a"]}))
    a, b = StopSignal(), StopSignal()
    now = steady_seconds()
    with (
        capture_logs() as logs,
        held.hold(A, LEASE_SECONDS, now, a),
        held.hold(B, LEASE_SECONDS, now, b),
    ):
        eventually(lambda: len(scripted_api.asked) >= 3)
        assert (a.reason, b.reason) == ("interrupted", None)

    assert [lease["job_id"] for lease in scripted_api.bodies(RENEW)[-1]["leases"]] == ["b"]
    assert [entry["job_id"] for entry in logs if entry["event"] == "lease lost"] == ["a"]


@pytest.mark.usefixtures("renewal")
def test_cancelled_job_is_told(
    scripted_api: ScriptedApi, said: type[Said], held: HeldLeases, eventually: Eventually
) -> None:
    scripted_api.say(RENEW, said(body={"renewed": ["a"], "cancelled": ["a"]}))
    stop = StopSignal()
    with held.hold(A, LEASE_SECONDS, steady_seconds(), stop):
        eventually(lambda: stop.reason == "cancelled")


@pytest.mark.usefixtures("renewal")
def test_job_whose_lease_cannot_be_renewed_stops_before_another_may_run_it(
    scripted_api: ScriptedApi, said: type[Said], held: HeldLeases, eventually: Eventually
) -> None:
    scripted_api.say(RENEW, said(503))
    stop = StopSignal()
    began = steady_seconds()
    with capture_logs() as logs, held.hold(A, LEASE_SECONDS, began, stop):
        eventually(lambda: stop.reason is not None)

    assert stop.reason == "interrupted"
    said_events = [entry["event"] for entry in logs]
    assert said_events == ["leases cannot be renewed", "lease lost"]


@pytest.mark.usefixtures("renewal")
def test_job_goes_on_while_the_apis_database_is_away(
    scripted_api: ScriptedApi, said: type[Said], held: HeldLeases, eventually: Eventually
) -> None:
    scripted_api.say(RENEW, said(503, {"type": DATABASE_AWAY}))
    stop = StopSignal()
    began = steady_seconds()
    with held.hold(A, LEASE_SECONDS, began, stop):
        eventually(lambda: steady_seconds() > began + 2 * LEASE_SECONDS)
        assert stop.reason is None


def test_job_goes_on_while_nobody_listens_at_the_apis_address(
    held: HeldLeases, eventually: Eventually
) -> None:
    client = ApiClient("http://127.0.0.1:1", "", "worker-1")
    renewal = Renewal(client, held)
    stop = StopSignal()
    began = steady_seconds()
    with held.hold(A, LEASE_SECONDS, began, stop):
        renewal.start()
        eventually(lambda: steady_seconds() > began + 2 * LEASE_SECONDS)
        assert stop.reason is None
    renewal.stop()
    client.close()


@pytest.mark.usefixtures("renewal")
def test_lease_of_a_finished_job_is_kept_until_its_reports_are_delivered(
    scripted_api: ScriptedApi, said: type[Said], finished: set[Lease], eventually: Eventually
) -> None:
    scripted_api.say(RENEW, said(body={"renewed": ["b"]}))
    finished.add(B)

    eventually(lambda: scripted_api.asked)

    assert scripted_api.bodies(RENEW)[0]["leases"] == [{"job_id": "b", "attempt": 4, "token": "tb"}]
