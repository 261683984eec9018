import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from api.unreadable import Heard, unreadable

if TYPE_CHECKING:
    from tests.api.served import Served


def ask(url: str, request: bytes) -> tuple[bytes, Any]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, json.loads(body)


def test_what_the_server_cannot_read_is_refused_with_a_problem(
    start_server: "Callable[..., Served]",
) -> None:
    url = start_server().url
    for request, status in (
        (b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"a" * 9000), 414),
        (b"GET / HTTP/1.1\r\n%s\r\n" % (b"X-A: 1\r\n" * 200), 431),
        (b"GET / HTTP/1.1\r\nX: %s\r\n\r\n" % (b"a" * 20_000), 431),
        (b"nonsense\r\n\r\n", 400),
    ):
        head, problem = ask(url, request)
        assert head.startswith(b"HTTP/1.1 %d " % status), head
        assert b"application/problem+json" in head
        assert problem["status"] == status
        assert problem["advice"]


@pytest.mark.parametrize(("said", "told"), [(417, 400), (501, 400), (500, 500), (403, 400)])
def test_every_refusal_of_the_server_is_one_of_ours(said: int, told: int) -> None:
    assert unreadable(said).startswith(b"HTTP/1.1 %d " % told)


def test_only_the_status_is_heard() -> None:
    heard = Heard()
    heard.sendall(b"HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n<html>")
    assert (heard.status, heard.gettimeout()) == (431, 0.0)
