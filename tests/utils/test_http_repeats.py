"""When a request is repeated, and how long is waited before that, against a real server."""

from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from utils.circuit_breaker import CircuitBreaker
from utils.deadline import call_within, seconds_left
from utils.errors import (
    IntegrationRateLimited,
    IntegrationTemporaryError,
)
from utils.http import HTTPClient, HTTPOptions

if TYPE_CHECKING:
    from tests.remote import Asker, Remote, Slept


def test_an_ill_server_is_asked_again_after_half_a_second_then_one(
    ask: "Asker", remote: "Remote", slept: "Slept"
) -> None:
    remote.replies("/", remote.reply(503), remote.reply(500), remote.json("at last"))
    assert ask(remote.url, "get", "/") == "at last"
    assert slept.waits == [0.5, 1.0]


def test_max_retries_counts_attempts(ask: "Asker", remote: "Remote", slept: "Slept") -> None:
    remote.replies("/", remote.reply(502, b"bad gateway"))
    for attempts in (1, 3, 4):
        remote.got.clear()
        slept.waits.clear()
        with pytest.raises(IntegrationTemporaryError, match="502 Bad Gateway: bad gateway") as it:
            ask(remote.url, "get", "/", made={"max_retries": attempts} | _edges(slept))
        assert it.value.status == 502
        assert len(remote.got) == attempts
        assert slept.waits == [0.5, 1.0, 2.0][: attempts - 1]


def test_waits_have_jitter(ask: "Asker", remote: "Remote", slept: "Slept") -> None:
    remote.replies("/", remote.reply(500))
    with pytest.raises(IntegrationTemporaryError):
        ask(remote.url, "get", "/", made={"options": HTTPOptions(edges=slept.edges(luck=1.0))})
    assert slept.waits == [0.625, 1.25]


def test_a_time_out_is_temporary_to_the_last(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/", remote.reply(wait_seconds=60))
    with pytest.raises(IntegrationTemporaryError, match=r"no answer within 0.05 s \(ReadTimeout\)"):
        ask(remote.url, "get", "/", timeout=0.05)
    assert len(remote.got) == 3


def test_a_refused_connection_is_temporary_also_for_a_post(
    ask: "Asker", free_port: int, slept: "Slept"
) -> None:
    with pytest.raises(IntegrationTemporaryError, match="ConnectError"):
        ask(f"http://127.0.0.1:{free_port}", "post", "/", json={})
    assert slept.waits == [0.5, 1.0]


@pytest.mark.parametrize("kind", ["drop", "cut"])
def test_a_connection_that_breaks_off_is_temporary(
    ask: "Asker", remote: "Remote", kind: str
) -> None:
    broken = remote.reply(drop=True) if kind == "drop" else remote.reply(200, b'{"a": 1}', cut=3)
    remote.replies("/", broken, remote.json({"a": 1}))
    assert ask(remote.url, "get", "/") == {"a": 1}
    remote.replies("/", broken)
    with pytest.raises(IntegrationTemporaryError):
        ask(remote.url, "get", "/")


@pytest.mark.parametrize("name", ["post", "patch"])
def test_what_may_have_been_done_is_not_done_again(
    ask: "Asker", remote: "Remote", name: str
) -> None:
    for reply in (remote.reply(500), remote.reply(drop=True), remote.reply(wait_seconds=60)):
        remote.got.clear()
        remote.replies("/", reply)
        with pytest.raises(IntegrationTemporaryError):
            ask(remote.url, name, "/", json={}, timeout=0.1)
        assert len(remote.got) == 1


@pytest.mark.parametrize("extras", [{"repeat": True}, {"headers": {"Idempotency-Key": "k1"}}])
def test_a_post_is_repeated_where_its_author_says_so(
    ask: "Asker", remote: "Remote", extras: dict[str, Any]
) -> None:
    remote.replies("/", remote.reply(500), remote.json(1))
    assert ask(remote.url, "post", "/", json={}, **extras) == 1


@pytest.mark.parametrize("name", ["put", "delete"])
def test_idempotent_methods_are_repeated(ask: "Asker", remote: "Remote", name: str) -> None:
    remote.replies("/", remote.reply(500), remote.json(1))
    assert ask(remote.url, name, "/") == 1
    remote.replies("/", remote.reply(500), remote.json(1))
    with pytest.raises(IntegrationTemporaryError):
        ask(remote.url, name, "/", repeat=False)


def test_a_post_that_was_refused_for_its_rate_is_sent_again(
    ask: "Asker", remote: "Remote", slept: "Slept"
) -> None:
    remote.replies("/", remote.json({}, 429, Retry_After="7"), remote.json("made"))
    assert ask(remote.url, "post", "/", json={}) == "made"
    assert slept.waits == [7.0]


def test_retry_after_may_be_a_date(ask: "Asker", remote: "Remote", slept: "Slept") -> None:
    now = slept.now - 5000  # the server's clock is wrong, and says so
    dates = {"Retry_After": formatdate(now + 9, usegmt=True), "Date": formatdate(now, usegmt=True)}
    remote.replies("/", remote.json({}, 503, **dates), remote.json(1))
    assert ask(remote.url, "get", "/") == 1
    assert slept.waits == [9.0]


def test_429_without_a_time_backs_off(ask: "Asker", remote: "Remote", slept: "Slept") -> None:
    remote.replies("/", remote.reply(429, b"slow down"))
    with pytest.raises(IntegrationRateLimited, match="429 Too Many Requests: slow down") as raised:
        ask(remote.url, "get", "/")
    assert slept.waits == [0.5, 1.0]
    assert raised.value.retry_after is None


def test_a_wait_past_the_deadline_is_not_begun(
    ask: "Asker", remote: "Remote", slept: "Slept"
) -> None:
    slept.left = 20.0
    limited = remote.json({}, 429, Retry_After="15")
    remote.replies("/", limited)
    with pytest.raises(IntegrationRateLimited) as raised:
        ask(remote.url, "get", "/")
    assert slept.waits == [15.0]  # the second one would end 10 s too late
    assert raised.value.retry_after == 15.0
    assert len(remote.got) == 2


def test_no_attempt_takes_longer_than_the_task_has(
    ask: "Asker", remote: "Remote", slept: "Slept"
) -> None:
    slept.left = 0.05
    remote.replies("/", remote.reply(wait_seconds=60))
    with pytest.raises(IntegrationTemporaryError, match=r"within 0\.05 s"):
        ask(remote.url, "get", "/")
    assert len(remote.got) == 1


def test_without_a_deadline_no_wait_is_endless(
    ask: "Asker", remote: "Remote", slept: "Slept"
) -> None:
    remote.replies("/", remote.json({}, 429, Retry_After="86400"))
    with pytest.raises(IntegrationRateLimited) as raised:
        ask(remote.url, "get", "/")
    assert (slept.waits, raised.value.retry_after) == ([], 86400.0)


def test_what_is_left_to_a_task_holds_in_its_threads_too(remote: "Remote") -> None:
    remote.replies("/", remote.json({}, 429, Retry_After="60"), remote.json(1))

    def ask() -> tuple[HTTPClient, Any]:
        client = HTTPClient(remote.url)
        with ThreadPoolExecutor(1) as pool:
            return client, pool.submit(client.get, "/").exception()

    client, error = call_within(20, ask)
    assert isinstance(error, IntegrationRateLimited)  # at once: the wait would end too late
    assert (error.retry_after, len(remote.got)) == (60.0, 1)
    with client, ThreadPoolExecutor(1) as pool:
        assert pool.submit(client.get, "/").result() == 1
    assert seconds_left(client._setup._deadline) is None  # that task is over


def test_an_open_circuit_asks_nothing(ask: "Asker", remote: "Remote", slept: "Slept") -> None:
    breaker = CircuitBreaker(failures=2, reset_seconds=30, clock=lambda: slept.now)
    options = HTTPOptions(edges=slept.edges(), breaker=breaker)
    remote.replies("/", remote.reply(500), remote.reply(500), remote.json(1))
    with pytest.raises(IntegrationTemporaryError, match="failed 2 times in a row"):
        ask(remote.url, "get", "/", made={"options": options})
    assert len(remote.got) == 2
    slept.now += 30
    assert ask(remote.url, "get", "/", made={"options": options}) == 1


def _edges(slept: "Slept") -> dict[str, HTTPOptions]:
    return {"options": HTTPOptions(edges=slept.edges())}
