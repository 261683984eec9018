"""Each rule of the clients, against a real server that misbehaves in that way."""

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from utils.circuit_breaker import CircuitBreaker
from utils.deadline import call_within, seconds_left
from utils.errors import (
    IntegrationAuthError,
    IntegrationError,
    IntegrationNotConfigured,
    IntegrationPermanentError,
    IntegrationRateLimited,
    IntegrationTemporaryError,
)
from utils.http import CursorPages, HTTPClient, HTTPOptions, LinkPages, OffsetPages
from utils.token_bucket import Pace, TokenBucket

if TYPE_CHECKING:
    from tests.remote import Asker, Raw, Remote, Slept

SECRET = "s3cr3t-t0ken-0f-ours"
BEARER = {"Authorization": f"Bearer {SECRET}"}


def test_each_method_sends_json_and_returns_json(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/v1/items", remote.json({"ok": True}))
    for name in ("post", "patch", "put"):
        assert ask(f"{remote.url}/v1", name, "/items", json={"ä": [1, None]}) == {"ok": True}
    for name in ("get", "delete"):
        assert ask(f"{remote.url}/v1", name, "/items", params={"q": "a b", "n": None}) == {
            "ok": True
        }
    assert [got.method for got in remote.got] == ["POST", "PATCH", "PUT", "GET", "DELETE"]
    assert remote.got[0].body == '{"ä": [1, null]}'.encode()
    assert remote.got[0].headers["content-type"] == "application/json"
    assert remote.targets[3:] == ["GET /v1/items?q=a+b", "DELETE /v1/items?q=a+b"]


@pytest.mark.parametrize("base", ["/v1", "/v1/"])
@pytest.mark.parametrize("path", ["items", "/items"])
def test_slashes_between_base_and_path_do_not_matter(
    ask: "Asker", remote: "Remote", base: str, path: str
) -> None:
    remote.replies("/v1/items", remote.json([]))
    assert ask(remote.url + base, "get", path) == []


def test_a_form_and_a_body_as_it_is_can_be_sent(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/", remote.json(1))
    ask(remote.url, "post", "/", data={"name": "a b", "tags": ["x", "y"]})
    ask(remote.url, "post", "/", data=b"\x00raw", headers={"Content-Type": "text/x"})
    assert [got.body for got in remote.got] == [b"name=a+b&tags=x&tags=y", b"\x00raw"]
    kinds = [got.headers["content-type"] for got in remote.got]
    assert kinds == ["application/x-www-form-urlencoded", "text/x"]


def test_empty_answers_are_none(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/", remote.reply(204), remote.reply(200), remote.reply(200, b" \n"))
    assert [ask(remote.url, "delete", "/") for _ in range(3)] == [None] * 3
    assert ask(remote.url, "request_bytes", "GET", "/") == b" \n"


def test_bytes_are_returned_as_they_are(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/logo", remote.reply(200, b"\x89PNG"), remote.reply(200))
    assert ask(remote.url, "request_bytes", "GET", "/logo") == b"\x89PNG"
    assert ask(remote.url, "request_bytes", "GET", "/logo") is None


def test_a_body_that_is_no_json_is_a_permanent_error(ask: "Asker", remote: "Remote") -> None:
    page = remote.reply(200, b"<html>Sign in</html>", (("Content-Type", "text/html"),))
    remote.replies("/", page)
    with pytest.raises(IntegrationPermanentError, match=r"text/html that is not JSON.*Sign in"):
        ask(remote.url, "get", "/")
    assert len(remote.got) == 1


def test_json_too_deep_to_read_is_an_error_of_the_tree(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/", remote.reply(200, b"[" * 200_000))
    with pytest.raises(IntegrationPermanentError, match="RecursionError"):
        ask(remote.url, "get", "/")


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


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_not_tried_again(
    ask: "Asker", remote: "Remote", status: int
) -> None:
    remote.replies("/", remote.json({"message": "Bad credentials"}, status))
    with pytest.raises(IntegrationAuthError, match="Bad credentials") as raised:
        ask(remote.url, "get", "/")
    assert (raised.value.status, len(remote.got)) == (status, 1)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1800000003"}, 3.0),
        ({"RateLimit_Remaining": "0", "RateLimit_Reset": "4"}, 4.0),
        ({"Retry_After": "2"}, 2.0),
        ({}, 0.5),
    ],
)
def test_403_that_says_that_a_limit_is_spent_is_no_auth_error(
    ask: "Asker", remote: "Remote", slept: "Slept", headers: dict[str, str], wait: float
) -> None:
    said = {"message": "You have exceeded a secondary rate limit" if not headers else "no"}
    remote.replies("/", remote.json(said, 403, **headers), remote.json(1))
    assert ask(remote.url, "get", "/") == 1
    assert slept.waits == [wait]


@pytest.mark.parametrize("status", [400, 404, 409, 410, 422, 304])
def test_other_refusals_are_permanent(ask: "Asker", remote: "Remote", status: int) -> None:
    remote.replies("/", remote.reply(status))
    with pytest.raises(IntegrationPermanentError):
        ask(remote.url, "get", "/")
    assert len(remote.got) == 1


@pytest.mark.parametrize("status", [301, 404, 401, 429, 503])
def test_an_answer_can_be_taken_as_it_is(ask: "Asker", remote: "Remote", status: int) -> None:
    remote.replies("/", remote.reply(status, b"said", (("Location", "/new"), ("X-Own", "1"))))
    answer = ask(remote.url, "request", "GET", "/", as_is=True)
    assert (answer.status, answer.headers["x-own"], answer.body) == (status, "1", b"said")
    assert remote.targets == ["GET /"]


def test_what_broke_off_is_no_answer_as_it_is(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/", remote.reply(404, b"half", cut=2), remote.reply(404, b"whole"))
    assert ask(remote.url, "request", "GET", "/", as_is=True).body == b"whole"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_followed_with_their_credentials_at_home(
    ask: "Asker", remote: "Remote", status: int
) -> None:
    remote.replies("/old", remote.reply(status, headers=(("Location", "/new?page=2#x"),)))
    remote.replies("/new", remote.json("here"))
    assert ask(remote.url, "get", "/old", headers=BEARER) == "here"
    assert remote.targets == ["GET /old", "GET /new?page=2"]
    assert remote.got[1].headers["authorization"] == BEARER["Authorization"]


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (302, "GET"), (307, "POST")])
def test_a_redirected_post_keeps_its_body_where_it_stays_a_post(
    ask: "Asker", remote: "Remote", status: int, method: str
) -> None:
    remote.replies("/old", remote.reply(status, headers=(("Location", "new"),)))
    remote.replies("/new", remote.json("here"))
    assert ask(remote.url, "post", "/old", json=[1]) == "here"
    assert remote.got[1].method == method
    assert remote.got[1].body == (b"[1]" if method == "POST" else b"")


def test_credentials_do_not_follow_to_another_origin(
    ask: "Asker", remote: "Remote", other_remote: "Remote"
) -> None:
    elsewhere = (("Location", f"{other_remote.url}/new"),)
    remote.replies("/old", remote.reply(302, headers=elsewhere))
    other_remote.replies("/new", remote.json("there"))
    headers = BEARER | {"X-Api-Key": SECRET, "Cookie": f"session={SECRET}", "X-Custom": SECRET}
    assert ask(remote.url, "get", "/old", headers=headers) == "there"
    assert SECRET not in str(other_remote.got[0])
    assert other_remote.got[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("/round", "more than 10 redirects"),
        ("ftp://host/file", "not HTTP"),
        ("file:///etc/passwd", "not HTTP"),
        ("http://[bad", "no URL"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_permanent(
    ask: "Asker", remote: "Remote", location: str, told: str
) -> None:
    remote.replies("/round", remote.reply(302, headers=(("Location", location),)))
    with pytest.raises(IntegrationPermanentError, match=told):
        ask(remote.url, "get", "/round")


def test_an_absolute_url_of_another_origin_is_refused(ask: "Asker", remote: "Remote") -> None:
    with pytest.raises(IntegrationPermanentError, match="is not at"):
        ask(remote.url, "get", f"http://localhost:{remote.port}/", headers=BEARER)
    assert not remote.got


def test_links_lead_from_page_to_page(ask: "Asker", remote: "Remote") -> None:
    link = f'<{remote.url}/items?page=1>; rel="prev", <{remote.url}/more?page=2>; rel="next"'
    remote.replies("/items", remote.json([1, 2], Link=link))
    remote.replies("/more", remote.json([3]))
    found = ask(remote.url, "items", "/items", LinkPages(), params={"size": 2}, headers=BEARER)
    assert found == [1, 2, 3]
    assert remote.targets == ["GET /items?size=2", "GET /more?page=2"]
    assert remote.got[1].headers["authorization"] == BEARER["Authorization"]


def test_cursors_lead_from_page_to_page(ask: "Asker", remote: "Remote") -> None:
    first = remote.json({"items": [1], "meta": {"next": "c2"}})
    remote.replies("/items", first, remote.json({"items": [2], "meta": {"next": ""}}))
    paging = CursorPages("meta.next", "after")
    assert ask(remote.url, "items", "/items", paging, params={"q": "x"}) == [1, 2]
    assert remote.targets == ["GET /items?q=x", "GET /items?q=x&after=c2"]


def test_offsets_lead_from_page_to_page(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/items", remote.json({"items": [1, 2]}), remote.json({"items": [3]}))
    assert ask(remote.url, "pages", "/items", OffsetPages(2)) == [{"items": [1, 2]}, {"items": [3]}]
    assert remote.targets == ["GET /items?offset=0&limit=2", "GET /items?offset=2&limit=2"]


def test_a_page_that_fails_is_no_quiet_end(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/items", remote.json({"items": [1, 2]}), remote.reply(500))
    with pytest.raises(IntegrationTemporaryError):
        ask(remote.url, "items", "/items", OffsetPages(2))


def test_a_download_is_whole_or_not_there(ask: "Asker", remote: "Remote", tmp_path: Path) -> None:
    target = tmp_path / "file"
    body = os.urandom(300_000)
    remote.replies("/file", remote.reply(200, body, cut=100_000), remote.reply(200, body))
    assert ask(remote.url, "download", "/file", target) == len(body)
    assert target.read_bytes() == body
    remote.replies("/file", remote.reply(200, b"other", cut=2))
    with pytest.raises(IntegrationTemporaryError):
        ask(remote.url, "download", "/file", target)
    remote.replies("/file", remote.reply(404, b"gone"))
    with pytest.raises(IntegrationPermanentError, match="gone"):
        ask(remote.url, "download", "/file", target)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert target.read_bytes() == body


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_body_over_the_limit_is_refused_also_once_unpacked(
    ask: "Asker", remote: "Remote", slept: "Slept", encoding: str
) -> None:
    import gzip  # noqa: PLC0415 - only here

    body = b'"' + b"x" * 500_000 + b'"'
    headers = (("Content-Encoding", "gzip"),) if encoding else ()
    remote.replies("/", remote.reply(200, gzip.compress(body) if encoding else body, headers))
    options = HTTPOptions(max_body_bytes=100_000, edges=slept.edges())
    with pytest.raises(IntegrationPermanentError, match=r"over 100,000"):
        ask(remote.url, "get", "/", made={"options": options})
    assert len(remote.got) == 1


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


def test_connections_are_kept_and_shared_by_threads(remote: "Remote") -> None:
    remote.replies("/", remote.json(1))
    with HTTPClient(remote.url) as client:
        assert [client.get("/") for _ in range(10)] == [1] * 10
        assert {got.connection for got in remote.got} == {1}
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda _: client.get("/"), range(80))) == [1] * 80
    assert len({got.connection for got in remote.got}) <= 9


def test_no_connection_is_opened_before_the_first_request_nor_shared_by_a_fork(
    remote: "Remote",
) -> None:
    remote.replies("/", remote.json(1))
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - the names alone
    client = HTTPClient(remote.url)
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208 - same
    client.get("/")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if client.get("/") == 1 else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    client.get("/")
    assert [got.connection for got in remote.got] == [1, 2, 1]
    client.close()


def test_an_open_circuit_asks_nothing(ask: "Asker", remote: "Remote", slept: "Slept") -> None:
    breaker = CircuitBreaker(failures=2, reset_seconds=30, clock=lambda: slept.now)
    options = HTTPOptions(edges=slept.edges(), breaker=breaker)
    remote.replies("/", remote.reply(500), remote.reply(500), remote.json(1))
    with pytest.raises(IntegrationTemporaryError, match="failed 2 times in a row"):
        ask(remote.url, "get", "/", made={"options": options})
    assert len(remote.got) == 2
    slept.now += 30
    assert ask(remote.url, "get", "/", made={"options": options}) == 1


def test_proxies_come_from_the_environment_variables(
    ask: "Asker", remote: "Remote", monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = remote.url.replace("//", "//job:ticket@")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    remote.replies("http://api.example.com/a", remote.json("by the proxy"))
    assert ask("http://api.example.com", "get", "/a") == "by the proxy"
    assert remote.got[0].headers["proxy-authorization"].startswith("Basic ")
    remote.replies("/direct", remote.json("direct"))
    assert ask(remote.url, "get", "/direct") == "direct"


def test_a_host_that_the_proxy_refuses_is_permanent(ask: "Asker", remote: "Remote") -> None:
    refused = (("Proxy-Status", "trueline; error=http_request_denied"),)
    remote.replies("/", remote.reply(403, b"not declared", refused))
    with pytest.raises(IntegrationPermanentError, match="name the host in `hosts`"):
        ask(remote.url, "get", "/")


def test_certificates_are_checked(ask: "Asker", tls: Callable[..., Any], slept: "Slept") -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    options = HTTPOptions(edges=slept.edges(), verify=context)
    with tls(authority, "localhost") as url:
        assert ask(url, "get", "/", made={"options": options}) == "over TLS"
        with pytest.raises(IntegrationTemporaryError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(url, "get", "/")
    with (
        tls(authority, "other.example.com") as url,
        pytest.raises(IntegrationTemporaryError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        ask(url, "get", "/", made={"options": options})


@pytest.mark.parametrize("value", [f"{SECRET}\n", f" {SECRET}", f"{SECRET}\r\nX: y", f"{SECRET}…"])
def test_a_header_that_http_cannot_carry_is_named_without_its_value(
    ask: "Asker", remote: "Remote", value: str
) -> None:
    with pytest.raises(IntegrationNotConfigured, match="the header 'X-Key'") as raised:
        ask(remote.url, "get", "/", headers={"X-Key": value})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("base_url", ["", "api.example.com", "ftp://host", "http://", "http://h:x"])
def test_what_is_no_base_url_is_not_configured(base_url: str) -> None:
    with pytest.raises(IntegrationNotConfigured, match="is no base URL"):
        HTTPClient(base_url)


def test_whatever_happens_is_an_error_of_the_tree(ask: "Asker", remote: "Remote") -> None:
    for path in ("/\x00", "/" + "a" * 70_000):
        with pytest.raises(IntegrationError):
            ask(remote.url, "get", path)


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


def test_the_twin_is_found_beside_it() -> None:
    import utils.http  # noqa: PLC0415 - as a plugin would
    from utils.http_async import AsyncHTTPClient  # noqa: PLC0415 - same

    assert utils.http.AsyncHTTPClient is AsyncHTTPClient
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = utils.http.Nothing
    assert asyncio.iscoroutinefunction(AsyncHTTPClient.get)


def _edges(slept: "Slept") -> dict[str, HTTPOptions]:
    return {"options": HTTPOptions(edges=slept.edges())}


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


def test_an_old_server_and_json_of_other_encodings_are_understood(ask: "Asker", raw: "Raw") -> None:
    for body in (b"[1]", b"\xef\xbb\xbf[1]", "[1]".encode("utf-16")):
        raw.answers(b"HTTP/1.0 200 OK\r\n\r\n", body)
        assert ask(raw.url, "get", "/") == [1]


def test_a_secret_that_comes_back_as_utf_16_is_not_shown(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/", remote.reply(400, f"what is {SECRET}".encode("utf-16-le")))
    with pytest.raises(IntegrationPermanentError, match=r"what is \*\*\*"):
        ask(remote.url, "get", "/", made={"headers": BEARER})


def test_what_is_posted_does_not_follow_to_another_origin(
    ask: "Asker", remote: "Remote", other_remote: "Remote"
) -> None:
    away = (("Location", f"{other_remote.url}/x"),)
    remote.replies("/", remote.reply(307, b"", away))
    with pytest.raises(IntegrationPermanentError, match="a redirect of what was sent"):
        ask(remote.url, "post", "/", json={"client_secret": SECRET})
    assert not other_remote.got


def test_cookies_stay_at_their_origin(remote: "Remote", other_remote: "Remote") -> None:
    other = f"http://127.0.0.1:{other_remote.port}"
    remote.replies("/login", remote.json(1, Set_Cookie="session=abc; Path=/"))
    remote.replies("/me", remote.json(2))
    remote.replies("/away", remote.reply(302, b"", (("Location", f"{other}/x"),)))
    other_remote.replies("/x", other_remote.json(3, Set_Cookie="session=planted; Path=/"))
    with HTTPClient(remote.url) as client:
        assert [client.get(path) for path in ("/login", "/away", "/me")] == [1, 3, 2]
    assert "cookie" not in other_remote.got[0].headers
    assert remote.got[-1].headers["cookie"] == "session=abc"


@pytest.mark.parametrize("place", ["http://a..b/", f"http://{'a' * 70}/", "http://[", "//h:99999/"])
def test_a_redirect_to_no_host_is_an_error_of_the_tree(
    ask: "Asker", remote: "Remote", place: str
) -> None:
    remote.replies("/", remote.reply(302, b"", (("Location", place),)))
    with pytest.raises(IntegrationError):
        ask(remote.url, "get", "/")


def test_headers_of_latin_1_are_sent_and_odd_names_are_refused(
    ask: "Asker", remote: "Remote"
) -> None:
    remote.replies("/", remote.json(1))
    assert ask(remote.url, "get", "/", headers={"X-Name": "é"}) == 1
    for name in ("é", "a b", "", "a:b"):
        with pytest.raises(IntegrationNotConfigured, match="is no name of a header"):
            ask(remote.url, "get", "/", headers={name: "x"})


def test_the_announced_length_of_a_head_is_no_body(ask: "Asker", raw: "Raw") -> None:
    raw.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    assert ask(raw.url, "request", "HEAD", "/").status == 200


def test_pages_that_lead_in_a_circle_end(ask: "Asker", remote: "Remote") -> None:
    def page(target: str) -> Any:
        return remote.json([1], Link=f'<{target}>; rel="next"')

    remote.replies("/v1/a", page("/v1/b"))
    remote.replies("/v1/b", page("c?x=1"))
    remote.replies("/v1/c", page("/v1/a"))
    with pytest.raises(IntegrationPermanentError, match="has come before"):
        ask(f"{remote.url}/v1", "items", "/a", LinkPages())
    assert remote.targets == ["GET /v1/a", "GET /v1/b", "GET /v1/c?x=1"]


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
