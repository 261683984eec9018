from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from utils import __version__
from worker.api_client import ApiClient
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.lease import Lease

if TYPE_CHECKING:
    from tests.worker.conftest import Said, ScriptedApi

A = Lease("a", 2, "token-a")
GRANT: dict[str, Any] = {
    "job_id": "a",
    "attempt": 2,
    "token": "token-a",
    "kind": "scan",
    "lease_seconds": 30,
    "deployment_id": "d",
    "deployment_name": "dns",
    "integration": "dns",
    "config": {"key": "s3cret"},
    "secrets": ["/key"],
    "commit_wanted": None,
}


@pytest.fixture
def client(scripted_api: ScriptedApi) -> Iterator[ApiClient]:
    client = ApiClient(scripted_api.url, "t0ken", "worker-1")
    yield client
    client.close()


def test_a_lease_request_names_worker_slots_and_version(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient
) -> None:
    scripted_api.say("/api/v1/leases", said(body={"leases": [GRANT], "new": "unknown"}))

    (grant,) = client.lease(3, 1.5).leases

    assert grant.lease == A
    assert grant.config == {"key": "s3cret"}
    assert "s3cret" not in repr(grant)
    assert "token-a" not in repr(grant)
    (asked,) = scripted_api.asked
    assert asked.body == {
        "worker": "worker-1",
        "slots": 3,
        "wait_seconds": 1.5,
        "version": __version__,
    }
    assert asked.headers["Authorization"] == "Bearer t0ken"


def test_leases_are_renewed_and_released_by_their_identity(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient
) -> None:
    answer = {"renewed": ["a"], "lost": ["b"], "cancelled": ["a"]}
    scripted_api.say("/api/v1/leases/renew", said(body=answer))
    scripted_api.say("/api/v1/leases/release", said(body={"released": ["a"]}))
    named = {"job_id": "a", "attempt": 2, "token": "token-a"}

    renewal = client.renew([A], timeout_seconds=5)

    assert (renewal.renewed, renewal.lost, renewal.cancelled) == (("a",), ("b",), ("a",))
    assert client.release([A]) == ("a",)
    assert [asked.body["leases"] for asked in scripted_api.asked] == [[named], [named]]


def test_a_wholly_refused_batch_is_an_answer(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient
) -> None:
    outcome = {"job_id": "a", "attempt": 2, "status": "refused", "last_seq": None, "reason": "no"}
    scripted_api.say("/api/v1/events", said(409, {"title": "refused", "outcomes": [outcome]}))

    answer = client.send(b'{"reports":[]}')

    assert answer.outcomes[0].status == "refused"
    assert answer.outcomes[0].reason == "no"


def test_a_problem_becomes_an_error_with_reason_and_advice(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient
) -> None:
    problem = {"title": "Conflict", "detail": "version 9 meets 1", "advice": "update the worker"}
    scripted_api.say("/api/v1/leases", said(409, problem))

    with pytest.raises(ApiRefused, match="version 9 meets 1") as caught:
        client.lease(1, 0)

    assert caught.value.status == 409
    assert caught.value.advice == "update the worker"
    assert caught.value.problem["title"] == "Conflict"


@pytest.mark.parametrize(("status", "waits"), [(503, 7.0), (500, 0.0), (429, 0.0)])
def test_a_server_that_cannot_now_is_unavailable(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient, status: int, waits: float
) -> None:
    headers = {"Retry-After": "7"} if waits else {}
    scripted_api.say("/api/v1/ticks", said(status, {"title": "busy"}, headers))

    with pytest.raises(ApiUnavailable, match=str(status)) as caught:
        client.tick()

    assert caught.value.retry_after_seconds == waits
    assert not caught.value.leases_last


def test_an_address_at_which_leases_last_is_told_apart() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = ApiClient(f"http://127.0.0.1:{port}", "", "worker-1")

    with pytest.raises(ApiUnavailable, match="cannot be reached") as caught:
        client.check()

    assert caught.value.leases_last
    assert "TRUELINE_API_URL" in caught.value.advice
    client.close()


def test_a_lost_reply_is_unavailable_and_the_next_request_goes_through(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient
) -> None:
    scripted_api.say("/api/v1/ticks", said(hang_up=True), said(body={"created": ["a"]}))

    with pytest.raises(ApiUnavailable) as caught:
        client.tick()

    assert not caught.value.leases_last
    assert client.tick().created == ("a",)


def test_an_answer_that_takes_too_long_is_unavailable() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    slow = ApiClient(f"http://127.0.0.1:{silent.getsockname()[1]}", "", "worker-1")

    with pytest.raises(ApiUnavailable, match="cannot be reached"):
        slow.renew([A], timeout_seconds=0.05)

    slow.close()
    silent.close()


@pytest.mark.parametrize("body", [b"<html>hello</html>", b'{"leases": 7}', b"[]"])
def test_another_server_at_the_address_is_recognised(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient, body: bytes
) -> None:
    scripted_api.say("/api/v1/leases", said(body=body))

    with pytest.raises(ApiUnavailable, match="does not answer as Trueline") as caught:
        client.lease(1, 0)

    assert "TRUELINE_API_URL" in caught.value.advice


def test_connections_are_kept(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient
) -> None:
    scripted_api.say("/api/v1/ticks", said(body={"next_due_at": "2026-01-01T00:00:00Z"}))

    ticks = [client.tick() for _ in range(5)]

    assert ticks[0].next_due_at is not None
    assert scripted_api.connections == 1


def test_the_catalogue_is_put_in_the_workers_name(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient
) -> None:
    scripted_api.say("/api/v1/catalogue", said(body={"known": ["a"], "unknown": ["b"]}))

    known = client.put_catalogue({"commit": "c"})

    assert (known.known, known.unknown) == (("a",), ("b",))
    (asked,) = scripted_api.asked
    assert (asked.method, asked.body) == ("PUT", {"worker": "worker-1", "commit": "c"})


def test_whom_the_api_takes_the_worker_for_decides_whether_it_goes_on(
    scripted_api: ScriptedApi, said: type[Said], client: ApiClient
) -> None:
    me = {"name": "w1", "role": "worker", "token_id": "t1"}
    scripted_api.say("/api/v1/me", said(body=me))
    client.check()
    scripted_api.say("/api/v1/me", said(body=me | {"role": "admin", "token_id": None}))
    client.check()  # an API without a signing key
    scripted_api.say("/api/v1/me", said(body=me | {"role": "operator"}))
    with pytest.raises(ApiRefused, match="w1's, a token of the role operator") as caught:
        client.check()
    assert "--role worker" in caught.value.advice
