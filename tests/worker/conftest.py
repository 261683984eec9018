"""A real HTTP server on loopback that answers a worker as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Said:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


Answer = Callable[[Asked], Said]


class ScriptedApi:
    """`answers` maps a path to what is said there; `asked` keeps every request."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def say(self, path: str, *said: Said) -> None:
        """Say these one after the other at a path, then the last one again and again."""
        left = list(said)

        def answer(_: Asked) -> Said:
            return left.pop(0) if len(left) > 1 else left[0]

        self.answers[path] = answer

    def bodies(self, path: str) -> list[Any]:
        return [asked.body for asked in self.asked if asked.path == path]

    def wait_for(self, condition: Callable[[], object], timeout_seconds: float = 20) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, timeout_seconds), "it did not come to this"

    def take(self, asked: Asked) -> Said:
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        answer = self.answers.get(asked.path)
        return answer(asked) if answer else Said(404, {"detail": "nothing here", "advice": "go"})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: ScriptedApi


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the test's output clean."""

    def _serve(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(text) if text else None
        said = self.server.api.take(Asked(self.command, self.path, body, dict(self.headers)))
        if said.hang_up:
            self.close_connection = True
            self.connection.close()
            return
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        self.send_response(said.status)
        for name, value in {**said.headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def scripted_api() -> Iterator[ScriptedApi]:
    api = ScriptedApi()
    yield api
    api.close()


@pytest.fixture
def said() -> type[Said]:
    return Said
