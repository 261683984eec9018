import asyncio
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import h11
import pytest

from utils.address_kinds import Exemption
from worker import egress_proxy
from worker.egress_gate import Gate, Refused
from worker.egress_proxy import HEAD_LIMIT_BYTES, Target, read_target, serve

TICKET = f"Proxy-Authorization: Basic {b64encode(b'job:t').decode()}\r\n"


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(repr(sorted((k.lower(), v) for k, v in self.headers.items())).encode())

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["content-length"])))

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "keep-alive, X-Hop")
        self.send_header("X-Hop", "gone")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is given
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def ask(port: int, request: str, *, eof: bool = False) -> tuple[str, Gate]:
    """Send bytes through a proxy for 127.0.0.1; return the whole answer and what was recorded."""

    async def exchange() -> tuple[str, Gate]:
        gate = Gate("tool", (f"127.0.0.1:{port}",), [Exemption(ip_network("127.0.0.0/8"))])
        gate.tickets.add("t")
        one, other = socket.socketpair()
        ends = await asyncio.open_connection(sock=other)
        serving = asyncio.create_task(serve(*ends, gate))
        reader, writer = await asyncio.open_connection(sock=one)
        writer.write(request.encode())
        if eof:
            writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        await asyncio.wait_for(serving, 60)
        return answer.decode(), gate

    return asyncio.run(exchange())


def test_request_is_passed_on_under_the_name_that_was_checked(origin: int) -> None:
    head = f"GET http://127.0.0.1:{origin}/p?q HTTP/1.1\r\nHost: elsewhere.test\r\n{TICKET}"
    hops = "Connection: close, X-Mine\r\nX-Mine: 1\r\nUpgrade: h2c\r\nX-Kept: 2\r\n\r\n"
    answer, gate = ask(origin, head + hops)
    seen = answer.partition("\r\n\r\n")[2]
    assert f"('host', '127.0.0.1:{origin}')" in seen
    assert "elsewhere.test" not in seen
    assert "('x-kept', '2')" in seen
    assert "('connection', 'close')" in seen
    for gone in ("proxy-authorization", "upgrade", "x-mine"):
        assert gone not in seen
    assert "connection: close" in answer.lower()
    assert "x-hop" not in answer.lower()
    assert gate.record.rows()[0]["connections"] == 1


def test_second_request_of_a_connection_is_not_served(origin: int) -> None:
    """It could be for another host."""
    one = f"GET http://127.0.0.1:{origin}/ HTTP/1.1\r\nHost: x\r\n{TICKET}\r\n"
    two = f"GET http://second.test/ HTTP/1.1\r\nHost: x\r\n{TICKET}\r\n"
    answer, gate = ask(origin, one + two)
    assert answer.count("HTTP/1.1") == 1
    assert len(gate.record.rows()) == 1


def test_bodies_go_both_ways_and_a_head_has_none(origin: int) -> None:
    start = f"http://127.0.0.1:{origin}/ HTTP/1.1\r\nHost: x\r\n{TICKET}"
    body = "b" * 200_000
    answer, gate = ask(origin, f"POST {start}Content-Length: {len(body)}\r\n\r\n{body}")
    assert answer.count("b") >= len(body)
    assert gate.record.rows()[0]["bytes_sent"] > len(body)
    assert gate.record.rows()[0]["bytes_received"] > len(body)
    answer, _ = ask(origin, f"HEAD {start}\r\n")
    assert "1000" in answer.partition("\r\n\r\n")[0]


def test_body_of_many_pieces_holds_up_no_other_connection() -> None:
    times = 3000

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"0\r\n\r\n")
        writer.close()

    async def course() -> int:
        """Return how many bytes went on at most between two turns of somebody else."""
        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        gate = Gate("tool", (f"127.0.0.1:{port}",), [Exemption(ip_network("127.0.0.0/8"))])
        gate.tickets.add("t")
        one, other = socket.socketpair()
        head = f"POST http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
        one.sendall(f"{head}\r\n{TICKET}\r\n".encode() + b"1\r\nx\r\n" * times + b"0\r\n\r\n")
        serving = asyncio.create_task(serve(*await asyncio.open_connection(sock=other), gate))
        most = sent = 0
        while not serving.done():
            before, sent = sent, sum(row["bytes_sent"] for row in gate.record.rows())
            most = max(most, sent - before)
            await asyncio.sleep(0)
        server.close()
        one.close()
        assert sent > times
        return most

    assert asyncio.run(course()) < times


def test_client_that_waits_for_leave_to_send_gets_it(origin: int) -> None:
    start = f"POST http://127.0.0.1:{origin}/ HTTP/1.1\r\nHost: x\r\n{TICKET}"
    answer, _ = ask(origin, f"{start}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi")
    assert answer.endswith("hi\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET http://other.test/ HTTP/1.1\r\nHost: x\r\n" + TICKET + "\r\n", 403),
        ("CONNECT other.test:443 HTTP/1.1\r\nHost: x\r\n" + TICKET + "\r\n", 403),
        ("GET http://other.test/ HTTP/1.1\r\nHost: x\r\n\r\n", 407),
        ("GET / HTTP/1.1\r\nHost: x\r\n" + TICKET + "\r\n", 400),
        ("GET https://other.test/ HTTP/1.1\r\nHost: x\r\n" + TICKET + "\r\n", 400),
        ("CONNECT other.test HTTP/1.1\r\nHost: x\r\n" + TICKET + "\r\n", 400),
        ("CONNECT http://other.test:1/ HTTP/1.1\r\nHost: x\r\n" + TICKET + "\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nX: " + "x" * HEAD_LIMIT_BYTES * 2, 431),
    ],
)
def test_what_is_not_served_is_answered_with_a_status(
    origin: int, request_: str, status: int
) -> None:
    answer, _ = ask(origin, request_)
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert answer.partition("\r\n\r\n")[2].strip()


def test_refusal_is_heard_by_a_client_that_is_still_sending(origin: int) -> None:
    head = f"POST http://other.test/ HTTP/1.1\r\nHost: x\r\n{TICKET}Content-Length: 300000\r\n\r\n"
    answer, _ = ask(origin, head + "b" * 300_000, eof=True)
    assert answer.startswith("HTTP/1.1 403 ")


def test_client_that_sends_no_request_is_let_go(
    origin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(origin, "", eof=True)[0] == ""
    monkeypatch.setattr(egress_proxy, "HEAD_SECONDS", 0.05)
    assert ask(origin, "GET http")[0].startswith("HTTP/1.1 408 ")


def test_server_that_speaks_no_http_is_no_crash() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve_nonsense() -> None:
            for _ in range(2):
                client, _ = server.accept()
                with client:
                    client.recv(1000)
                    client.sendall(b"SSH-2.0-nonsense\r\n\r\n")

        thread = threading.Thread(target=serve_nonsense, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        for method in ("GET", "HEAD"):
            answer, _ = ask(
                port, f"{method} http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n{TICKET}\r\n"
            )
            assert answer.startswith("HTTP/1.1 502 ")
        thread.join()


@pytest.mark.parametrize(
    ("method", "asked", "target"),
    [
        ("CONNECT", "a.example:443", Target("a.example", 443)),
        ("CONNECT", "[::1]:8443", Target("::1", 8443)),
        ("GET", "http://a.example", Target("a.example", 80, b"/")),
        ("GET", "http://a.example:8080/a/b?c=%20", Target("a.example", 8080, b"/a/b?c=%20")),
        ("GET", "HTTP://[::1]/?", Target("::1", 80, b"/")),
        ("CONNECT", "a.example", None),
        ("CONNECT", "u@a.example:1", Target("a.example", 1)),
        ("CONNECT", "a.example:1/x", None),
        ("CONNECT", "a.example:99999", None),
        ("GET", "http://a.example:x/", None),
        ("GET", "http://[::1/", None),
        ("GET", "ftp://a.example/", None),
        ("OPTIONS", "*", None),
    ],
)
def test_target_is_read(method: str, asked: str, target: Target | None) -> None:
    request = h11.Request(method=method, target=asked, headers=[("Host", "x")])
    if target is None:
        with pytest.raises(Refused):
            read_target(request)
    else:
        assert read_target(request) == target
