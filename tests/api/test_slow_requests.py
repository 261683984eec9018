"""Security row 33: slow and huge requests, sent byte by byte to a real server."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from api.listener import listen
from api.patient_socket import PatientSocket
from api.server import HEADER_BYTES, HEADERS, LINE_BYTES

HEAD = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /api/v1/deployments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """One server for all of these: none of them may hurt it."""
    home = tmp_path_factory.mktemp("served")
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "TRUELINE_DATA_DIR": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "api", "--api-port", "0"],
        env=environ,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while not (home / "api.address").exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    yield "127.0.0.1", int((home / "api.address").read_text().rpartition(":")[2])
    process.terminate()
    assert process.wait(30) == 0


def send(address: tuple[str, int], *pieces: bytes) -> bytes:
    """Send pieces on a new connection; return all that comes back until it is closed."""
    with closing(socket.create_connection(address, 30)) as client:
        for piece in pieces:
            client.sendall(piece)
        client.settimeout(30)
        answer = b""
        while data := receive(client):
            answer += data
            if b"\r\n\r\n" in answer:
                break
        return answer


def receive(client: socket.socket) -> bytes:
    try:
        return client.recv(65536)
    except ConnectionResetError:
        return b""


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_plain_request_is_answered(served: tuple[str, int]) -> None:
    assert status(send(served, HEAD, b"\r\n")) == 200


@pytest.mark.parametrize(
    ("head", "refused"),
    [
        (b"GET /" + b"a" * LINE_BYTES + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400, 414}),
        (HEAD + b"X: " + b"a" * HEADER_BYTES + b"\r\n\r\n", {400, 431}),
        (HEAD + b"".join(b"X-%d: 1\r\n" % n for n in range(HEADERS)) + b"\r\n", {400, 431}),
        (POST + b"Content-Length: 99999999999\r\n\r\n", {413}),
        (POST + b"Content-Length: -1\r\n\r\n", {400}),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    ],
    ids=["line", "header", "headers", "body", "negative", "smuggled", "tls"],
)
def test_what_is_too_large_or_no_http_is_refused(
    served: tuple[str, int], head: bytes, refused: set[int]
) -> None:
    answer = send(served, head)
    assert status(answer) in refused
    assert b"Traceback" not in answer
    assert status(send(served, HEAD, b"\r\n")) == 200


def test_clients_that_never_hang_up_hold_up_nobody(served: tuple[str, int]) -> None:
    """Closed one after the other, with 2 s for each, they would hold the server for minutes."""
    with ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(closing(socket.create_connection(served, 30)))
            client.sendall(HEAD + b"Connection: close\r\n\r\n")
            client.settimeout(30)
            assert status(client.recv(65536)) == 200
        assert status(send(served, HEAD, b"\r\n")) == 200


@pytest.mark.parametrize(
    ("size", "kept"), [(1_100_000, False), (900_000, True)], ids=["refused unread", "read"]
)
def test_connection_that_ends_with_an_answer_says_so(
    served: tuple[str, int], size: int, *, kept: bool
) -> None:
    with closing(http.client.HTTPConnection(*served, timeout=30)) as client:
        client.request("POST", "/api/v1/deployments", b"x" * size, {"Content-Type": "text/plain"})
        answer = client.getresponse()
        assert answer.read()
        assert (answer.headers["Connection"] == "close") is not kept
        client.request("GET", "/health/live")  # on the same connection, or on a new one if it ended
        assert client.getresponse().status == 200


def test_a_body_without_end_is_cut_at_the_route_s_limit(served: tuple[str, int]) -> None:
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    with closing(socket.create_connection(served, 30)) as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                client.sendall(chunk)
                sent += 0x10000
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 64 * 1024 * 1024


@pytest.fixture
def given_up() -> Iterator[tuple[tuple[str, int], list[str]]]:
    """A listener with little patience for its one client, and what became of that."""
    ended: list[str] = []
    listener = listen("127.0.0.1", 0)

    def serve() -> None:
        connection, _ = listener.accept()
        connection.setblocking(True)
        with PatientSocket.taking_over(connection) as patient:
            patient.begin_request(0.3)
            try:
                while patient.recv(100):
                    pass
            except BlockingIOError:
                ended.append("given up")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname(), ended
    listener.close()
    thread.join(20)


def test_a_client_that_sends_a_byte_now_and_then_is_given_up(
    given_up: tuple[tuple[str, int], list[str]],
) -> None:
    address, ended = given_up
    with closing(socket.create_connection(address, 30)) as client:
        end = time.monotonic() + 20
        while not ended and time.monotonic() < end:
            with suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(b"X")
            time.sleep(0.02)
    assert ended == ["given up"]
