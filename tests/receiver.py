"""A receiver of webhooks on loopback: it keeps what it is sent, and answers as it is told."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """How a request is answered."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)


class Receiver:
    """What a test sees of the server."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.replies: list[Reply] = []  # the next ones; then 204
        self.release = threading.Event()  # a receiver that hangs does so until this is set
        self.release.set()
        self.entered = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.received.append(Received(self.path, dict(self.headers.items()), body))
                outer.entered.set()
                outer.release.wait(30)
                reply = outer.replies.pop(0) if outer.replies else Reply()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def make_receiver() -> Iterator[Callable[[], Receiver]]:
    """Start receivers; they end with the test."""
    started: list[Receiver] = []

    def make() -> Receiver:
        started.append(Receiver())
        return started[-1]

    yield make
    for receiver in started:
        receiver.close()


@pytest.fixture
def receiver(make_receiver: Callable[[], Receiver]) -> Receiver:
    """Start one receiver."""
    return make_receiver()
