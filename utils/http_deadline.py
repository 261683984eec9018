"""A deadline for an exchange as a whole: a server that sends a byte now and then never ends one.

The library's own time-outs begin anew with each byte that comes.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2

LATE = "the answer was not whole"
PIECE_BYTES = 64 * 1024

# Of the exchange of this thread.
_ENDS_AT: ContextVar[float] = ContextVar("trueline_exchange_ends_at", default=float("inf"))


@contextmanager
def whole_within(seconds: float) -> Iterator[None]:
    """Let what connections of a bounded pool do in this thread end after so many seconds."""
    token = _ENDS_AT.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ENDS_AT.reset(token)


def bound_exchanges(pool: httpx2.Client) -> httpx2.Client:
    """Return a pool whose connections, those over proxies too, heed `whole_within`."""
    # The library hands out no other place to look at the time between two bytes.
    for transport in (pool._transport, *pool._mounts.values()):  # noqa: SLF001 - said above
        connections: Any = getattr(transport, "_pool", None)
        if connections is not None:
            connections._network_backend = _Timed(connections._network_backend)  # noqa: SLF001 - same
    return pool


class _Timed(httpcore2.NetworkBackend):
    def __init__(self, inner: httpcore2.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(timeout)
        return _TimedStream(
            self._inner.connect_tcp(host, port, left, local_address, socket_options)
        )

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        return _TimedStream(self._inner.connect_unix_socket(path, _left(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _TimedStream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._inner.read(max_bytes, _left(timeout))
        except httpcore2.ReadTimeout:
            _left(None)  # says so where it was the end of the whole
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE_BYTES):
            self._inner.write(buffer[start : start + PIECE_BYTES], _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    left = _ENDS_AT.get() - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout(LATE)
    return left if timeout is None else min(timeout, left)
