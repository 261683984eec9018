"""Tests of recorded exchanges and their files."""

import json
from pathlib import Path
from typing import Any

import pytest

from utils.exchange_file import (
    Exchange,
    ExchangeUnusable,
    Reply,
    Request,
    body_bytes,
    comparable_url,
    exchange_between,
    exchange_of,
    file_name,
    read_exchanges,
    write_exchange,
)
from utils.exchange_secrets import Stripper

REQUEST = Request("get", "https://x.example/v1/items?page=2", {"accept": "*/*"}, None)


def between(body: bytes, request: Request = REQUEST) -> Exchange:
    reply = Reply(200, {"content-type": "text/plain"}, body)
    return exchange_between("list_items", request, reply, Stripper(["s3cr3t-token"]))


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", None),
        (b'{"a": [1, "s3cr3t-token"]}', {"json": {"a": [1, "***"]}}),
        (b"plain s3cr3t-token", {"text": "plain ***"}),
        (b"\xff\x00", {"base64": "/wA="}),
    ],
)
def test_a_body_is_kept_in_the_form_that_reads_best_and_comes_back(
    body: bytes, kept: dict[str, Any] | None
) -> None:
    exchange = between(body)

    assert exchange.body == kept
    assert body_bytes(exchange.body) == body.replace(b"s3cr3t-token", b"***")


def test_bytes_with_a_secret_in_them_are_not_kept() -> None:
    assert between(b"\xffs3cr3t-token\xff").body == {"text": "***"}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    exchange = between(b'{"a": 1}')

    path = write_exchange(tmp_path / "new", 7, exchange)

    assert path.name == "0007-GET-items.json"
    assert read_exchanges(tmp_path / "new") == (exchange._replace(name=path.name),)
    assert json.loads(path.read_bytes())["format"] == 1
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_label_tells_exchanges_apart() -> None:
    assert between(b"")._replace(name="0003-GET-items.json").label == "0003 GET /v1/items"


def test_a_name_is_a_name_whatever_the_url_is() -> None:
    odd = REQUEST._replace(url="https://x.example/a/%2e%2e%2f")

    assert file_name(1, between(b"", odd)) == "0001-GET-2e-2e-2f.json"
    assert file_name(1, between(b"", REQUEST._replace(url="https://x"))) == "0001-GET-root.json"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "its format is 2"),
        ({"task": 5}, "5 is no text"),
        ({"request": {}}, "lacks 'method'"),
        ({"request": "GET /items"}, "request is no JSON object, but 'GET /items'"),
        ({"request": {"method": "GET", "url": "/items"}}, "'/items' is no URL"),
        ({"response": {"status": 20}}, "status is 20"),
        ({"response": {"status": 200, "headers": ["a"]}}, "headers is no JSON object"),
        ({"response": {"status": 200, "body": [1]}}, "a body is null"),
        ({"response": {"status": "many"}}, "many"),
        ({"response": {"status": 200, "body": {"xml": 1}}}, "a body is null"),
        ({"response": {"status": 200, "body": {"base64": "abc"}}}, "padding"),
        ({"response": {"status": 200, "headers": {"a": 1}}}, "1 is no text"),
    ],
)
def test_a_file_that_is_wrong_says_where(change: dict[str, Any], told: str) -> None:
    fields = between(b"").as_json() | change

    with pytest.raises(ExchangeUnusable, match=told) as caught:
        exchange_of(fields, "0001-GET-items.json")

    assert "0001-GET-items.json" in caught.value.reason
    assert caught.value.advice


def test_what_was_written_by_hand_is_brought_into_the_form_that_is_asked_for() -> None:
    request = {"method": "get", "url": "HTTPS://X.example?b=1#top", "headers": {"Accept": "a"}}
    made = exchange_of(between(b"").as_json() | {"request": request})

    assert (made.method, comparable_url(made.url)) == ("GET", "https://x.example/?b=1")
    assert made.request_headers == {"accept": "a"}
    assert comparable_url("http://[::1") == "http://[::1"
    assert comparable_url("http://h/%2A%2A%2A?a=%2A%2A%2A") == "http://h/***?a=***"


def test_a_file_that_is_no_json_says_so(tmp_path: Path) -> None:
    (tmp_path / "0001.json").write_text("{")

    with pytest.raises(ExchangeUnusable, match=r"0001\.json"):
        read_exchanges(tmp_path)


def test_a_folder_without_exchanges_says_how_to_make_some(tmp_path: Path) -> None:
    with pytest.raises(ExchangeUnusable) as caught:
        read_exchanges(tmp_path / "none")

    assert "--record" in caught.value.advice
