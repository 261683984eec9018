"""What errors and logs of the clients tell, and which secrets they do not."""

import logging
from typing import TYPE_CHECKING

import pytest

from tests.remote import BEARER, SECRET
from utils.circuit_breaker import CircuitBreaker
from utils.errors import (
    IntegrationPermanentError,
    IntegrationRateLimited,
    IntegrationTemporaryError,
)
from utils.http import HTTPClient, HTTPOptions
from utils.token_bucket import Pace, TokenBucket

if TYPE_CHECKING:
    from tests.remote import Asker, Raw, Remote


def test_what_is_told_of_an_error_is_short_and_has_no_secret(
    ask: "Asker", remote: "Remote"
) -> None:
    said = f"no: {SECRET} {SECRET.upper()} password=hunter22 " + "x" * 5000
    remote.replies("/a", remote.json({"error": said}, 400))
    url = remote.url.replace("//", "//me:hunter33@")
    with pytest.raises(IntegrationPermanentError) as raised:
        ask(url, "get", "/a", params={"api_key": "hunter44"}, headers={"X-Token": SECRET})
    told = f"{raised.value} {raised.value.args}"
    assert not [one for one in (SECRET, "hunter22", "hunter33", "hunter44") if one in told]
    assert raised.value.reason.startswith(f"GET {remote.url}/a answered 400 Bad Request: ")
    assert len(raised.value.reason) < 600


def test_no_error_of_the_library_is_shown_as_a_cause(ask: "Asker", free_port: int) -> None:
    with pytest.raises(IntegrationTemporaryError) as raised:
        ask(f"http://127.0.0.1:{free_port}", "get", "/", params={"token": SECRET})
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_the_logs_tell_each_step_and_no_secret(
    ask: "Asker", remote: "Remote", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = f"token={SECRET}"
    remote.replies("/a", remote.reply(503, said.encode(), (("Set-Cookie", f"s={SECRET}"),)))
    url = remote.url.replace("//", f"//me:{SECRET}@")
    with pytest.raises(IntegrationTemporaryError):
        ask(url, "get", "/a", params={"q": SECRET}, headers=BEARER | {"Cookie": SECRET})
    ours = [(one.levelname, one.message) for one in caplog.records if one.name == "trueline.http"]
    levels = ["DEBUG", "WARNING", "DEBUG", "WARNING", "DEBUG", "ERROR"]
    assert [level for level, _ in ours] == levels
    assert ours[0][1].startswith("GET 127.0.0.1 /a 503 ")
    assert ours[0][1].endswith(" ms")
    assert ours[1][1].startswith("attempt 1/3 failed: IntegrationTemporaryError: GET http://")
    assert ours[1][1].endswith("; retrying in 0.5 s")
    assert ours[5][1].startswith("attempt 3/3 failed: ")
    assert SECRET not in caplog.text
    assert not [one.name for one in caplog.records if one.name.startswith("http")]


def test_a_success_is_logged_for_debugging_alone(
    ask: "Asker", remote: "Remote", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    remote.replies("/a", remote.json(1))
    ask(remote.url, "get", "/a")
    ours = [one.levelname for one in caplog.records if one.name == "trueline.http"]
    assert ours == ["DEBUG"]


def test_a_secret_that_comes_back_as_utf_16_is_not_shown(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/", remote.reply(400, f"what is {SECRET}".encode("utf-16-le")))
    with pytest.raises(IntegrationPermanentError, match=r"what is \*\*\*"):
        ask(remote.url, "get", "/", made={"headers": BEARER})


def test_each_error_is_logged_once(remote: "Remote", caplog: pytest.LogCaptureFixture) -> None:
    remote.replies("/", remote.reply(200, b"<html>"))
    limit = TokenBucket(Pace(1, 0.001))
    with HTTPClient(remote.url, options=HTTPOptions(limit=limit)) as client:
        with pytest.raises(IntegrationPermanentError):
            client.get("/")
        with pytest.raises(IntegrationRateLimited, match="our own rate limit"):
            client.get("/")
    breaker = CircuitBreaker(failures=1)
    breaker.note(worked=False)
    with (
        HTTPClient(remote.url, options=HTTPOptions(breaker=breaker)) as client,
        pytest.raises(IntegrationTemporaryError),
    ):
        client.get("/")
    errors = [one.message for one in caplog.records if one.levelno == logging.ERROR]
    told = ["is not JSON", "our own rate limit", "1 times in a row"]
    assert [what in error for what, error in zip(told, errors, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}xx",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"no HTTP at all, and " + SECRET.encode() + b"\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_is_broken_is_temporary_and_tells_no_secret(
    ask: "Asker", raw: "Raw", caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    raw.answers(answer)
    with caplog.at_level(logging.DEBUG), pytest.raises(IntegrationTemporaryError) as caught:
        ask(raw.url, "get", "/", made={"headers": BEARER, "max_retries": 1})
    assert SECRET not in str(caught.value) + caplog.text
