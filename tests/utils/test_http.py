"""Each rule of the clients, against a real server that misbehaves in that way."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.remote import BEARER, SECRET
from utils.errors import (
    IntegrationAuthError,
    IntegrationError,
    IntegrationNotConfigured,
    IntegrationPermanentError,
    IntegrationTemporaryError,
)
from utils.http import CursorPages, HTTPClient, HTTPOptions, LinkPages, OffsetPages

if TYPE_CHECKING:
    from tests.remote import Asker, Raw, Remote, Slept


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


def test_the_twin_is_found_beside_it() -> None:
    import utils.http  # noqa: PLC0415 - as a plugin would
    from utils.http_async import AsyncHTTPClient  # noqa: PLC0415 - same

    assert utils.http.AsyncHTTPClient is AsyncHTTPClient
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = utils.http.Nothing
    assert asyncio.iscoroutinefunction(AsyncHTTPClient.get)


def test_an_old_server_and_json_of_other_encodings_are_understood(ask: "Asker", raw: "Raw") -> None:
    for body in (b"[1]", b"\xef\xbb\xbf[1]", "[1]".encode("utf-16")):
        raw.answers(b"HTTP/1.0 200 OK\r\n\r\n", body)
        assert ask(raw.url, "get", "/") == [1]


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
