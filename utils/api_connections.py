"""Kept connections to one API: HTTP/1.1 by the standard library, verified and bounded.

Exchanges with an API are many and small, and each costs a client that can do more twice the
processor time. No redirect is followed, no proxy is used.
"""

import select
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from types import MappingProxyType
from urllib.parse import urlsplit

MOST_KEPT = 8
KEPT_SECONDS = 20.0  # shorter than the API keeps a silent connection
CONNECT_SECONDS = 5.0
ANSWER_BYTES = 256 * 1024 * 1024
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class BrokenExchange(Exception):  # noqa: N818 - an event, told to people in its user's words
    """There is no answer: nobody listens, it took too long, or it is not HTTP."""

    @property
    def is_refused(self) -> bool:
        """Whether nobody listens at the address."""
        return isinstance(self.__cause__, ConnectionRefusedError)


@dataclass(frozen=True)
class ApiAnswer:
    """One answer, read to its end."""

    status: int
    headers: HTTPMessage  # names in any case
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether what was asked for was done."""
        return 200 <= self.status < 300


class ApiConnections:
    """Asks one API; safe to use from several threads, each with a connection of its own."""

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._prefix = parts.path.rstrip("/")
        self._tls = _authorities() if parts.scheme == "https" else None
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._lock = threading.Lock()
        self._kept: list[tuple[HTTPConnection, float]] = []  # with the time of their last use

    def ask(
        self,
        method: str,
        path: str,
        content: bytes | None,
        timeout_seconds: float,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> ApiAnswer:
        """Send one request and read its answer; raises BrokenExchange.

        The API may be silent for `timeout_seconds`, at any time.
        """
        connection = self._take_kept() or self._new(min(timeout_seconds, CONNECT_SECONDS))
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(timeout_seconds)
            connection.request(method, self._prefix + path, content, {**self._headers, **headers})
            with connection.getresponse() as response:
                answer = ApiAnswer(response.status, response.headers, _read(response))
        except (OSError, HTTPException, UnicodeError) as error:
            connection.close()
            raise BrokenExchange(str(error) or type(error).__name__) from error
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return answer

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            kept, self._kept = self._kept, []
        for connection, _ in kept:
            connection.close()

    def _new(self, connect_seconds: float) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._host, self._port, timeout=connect_seconds)
        return HTTPSConnection(self._host, self._port, timeout=connect_seconds, context=self._tls)

    def _take_kept(self) -> HTTPConnection | None:
        """Return the connection that was used last, unless the API has closed it meanwhile."""
        while True:
            with self._lock:
                if not self._kept:
                    return None
                connection, used_at = self._kept.pop()
            if time.monotonic() - used_at < KEPT_SECONDS and not _is_readable(connection):
                return connection
            connection.close()

    def _keep(self, connection: HTTPConnection) -> None:
        if connection.sock is None:  # the API has said that it closes it
            return
        with self._lock:
            if len(self._kept) < MOST_KEPT:
                self._kept.append((connection, time.monotonic()))
                return
        connection.close()


def _authorities() -> ssl.SSLContext:
    """Trust the system's authorities, as all that is ours does."""
    import httpx2  # noqa: PLC0415 - it takes a while, and most APIs are asked without TLS

    return httpx2.create_ssl_context(trust_env=False)


def _read(response: HTTPResponse) -> bytes:
    if (response.length or 0) > ANSWER_BYTES:
        raise HTTPException(f"the answer has {response.length} bytes")
    # A length that is known is held to, and so are chunks.
    content = response.read() if response.length is not None else response.read(ANSWER_BYTES + 1)
    if len(content) > ANSWER_BYTES:
        raise HTTPException(f"the answer has more than {ANSWER_BYTES} bytes")
    return content


def _is_readable(connection: HTTPConnection) -> bool:
    """Whether something came though nothing was asked: it is the end of the connection."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
