"""`HTTPClient`: requests with retries, pages and an error tree; `AsyncHTTPClient` is its twin."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

import httpx2

from utils.http_answer import Answer, Fault
from utils.http_deadline import bound_exchanges, whole_within
from utils.http_exchange import Pause
from utils.http_order import Order
from utils.http_paging import CursorPages, LinkPages, OffsetPages, Paging, Walk
from utils.http_setup import Edges, Extras, HTTPOptions, HTTPSetup
from utils.http_transport import (
    LIBRARY_ERRORS,
    InMemory,
    IntoFile,
    Receiver,
    Taking,
    fault_of,
    pool_settings,
    request_of,
)

if TYPE_CHECKING:
    from utils.http_async import AsyncHTTPClient

__all__ = [
    "Answer",
    "AsyncHTTPClient",
    "CursorPages",
    "Edges",
    "HTTPClient",
    "HTTPOptions",
    "LinkPages",
    "OffsetPages",
]


class HTTPClient:
    """A client of one API; safe to share between threads.

    `max_retries` counts attempts. Every failure is an error of `utils.errors`' tree. No connection
    is opened before the first request, and a process that is forked opens its own.

    >>> client = HTTPClient("https://api.example.com/v1", {"Authorization": "Bearer ..."})
    >>> client.get("/items", params={"state": "open"})
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        max_retries: int = 3,
        options: HTTPOptions | None = None,
    ) -> None:
        self._setup = HTTPSetup(base_url, headers, timeout, max_retries, options or HTTPOptions())
        self._pools: dict[int, httpx2.Client] = {}  # by process: a fork shares no connection

    def get(self, path: str, **extras: Unpack[Extras]) -> Any:
        """Return the JSON of a GET; None where the answer is empty."""
        return self.request_json("GET", path, **extras)

    def post(self, path: str, **extras: Unpack[Extras]) -> Any:
        """POST and return the answer's JSON; repeated only where that is safe."""
        return self.request_json("POST", path, **extras)

    def patch(self, path: str, **extras: Unpack[Extras]) -> Any:
        """PATCH and return the answer's JSON; repeated only where that is safe."""
        return self.request_json("PATCH", path, **extras)

    def put(self, path: str, **extras: Unpack[Extras]) -> Any:
        """PUT and return the answer's JSON."""
        return self.request_json("PUT", path, **extras)

    def delete(self, path: str, **extras: Unpack[Extras]) -> Any:
        """DELETE and return the answer's JSON."""
        return self.request_json("DELETE", path, **extras)

    def request_json(self, method: str, url: str, **extras: Unpack[Extras]) -> Any:
        """Return the JSON of any request; `url` is a path, or absolute at the same origin."""
        order = self._setup.order(method, url, **extras)
        return self._setup.json_of(order, self._answer(order))

    def request_bytes(self, method: str, url: str, **extras: Unpack[Extras]) -> bytes | None:
        """Return the body of any request as it is; None where it is empty."""
        return self.request(method, url, **extras).body or None

    def request(self, method: str, url: str, **extras: Unpack[Extras]) -> Answer:
        """Return the whole answer: status, headers and body."""
        return self._answer(self._setup.order(method, url, **extras))

    def pages(self, path: str, paging: Paging, **extras: Unpack[Extras]) -> Iterator[Any]:
        """Yield the JSON of each page, to the last one."""
        walk = Walk(paging, path, extras.get("params"))
        while ahead := walk.ahead:
            extras["params"] = ahead[1]
            order = self._setup.order("GET", ahead[0], **extras)
            walk.begin(order.url)
            answer = self._answer(order)
            page = self._setup.json_of(order, answer)
            yield page
            walk.go_on(order.url, answer, page)

    def items(self, path: str, paging: Paging, **extras: Unpack[Extras]) -> Iterator[Any]:
        """Yield each item of each page."""
        for page in self.pages(path, paging, **extras):
            yield from paging.items_of(page)

    def download(self, path: str, target: Path, **extras: Unpack[Extras]) -> int:
        """Write what a GET answers to a file and return its size; the file is whole or not there.

        It is never held in memory. An attempt that broke off is begun anew.
        """
        receiver = IntoFile(target)
        try:
            self._answer(self._setup.download(path, **extras), receiver)
        finally:
            receiver.discard()
        return receiver.size_bytes

    def close(self) -> None:
        """Close this process's connections; a later request opens new ones."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self, order: Order, receiver: Receiver | None = None) -> Answer:
        taking = receiver or InMemory(self._setup.options.max_body_bytes, order.method)
        steps = self._setup.exchange(order)
        outcome: Answer | Fault | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                answer: Answer = end.value
                return answer
            if isinstance(step, Pause):
                self._setup.options.edges.sleep(step.seconds)
                outcome = None
            else:
                outcome = self._sent(step.order, taking)

    def _sent(self, order: Order, receiver: Receiver) -> Answer | Fault:
        pool = self._pool()
        try:
            with whole_within(order.whole_seconds):
                request = request_of(pool, order, self._setup.endpoint.origin)
                response = pool.send(request, stream=True)
                with closing(response):
                    taking = Taking(response, receiver)
                    for piece in response.iter_raw():
                        if not taking.take(piece):
                            break
                    taking.end()
        except LIBRARY_ERRORS as error:
            return fault_of(error, order)
        return taking.answer()

    def _pool(self) -> httpx2.Client:
        process = os.getpid()
        pool = self._pools.get(process)
        if pool is None:
            settings = pool_settings(self._setup.options.verify, self._setup.endpoint.origin)
            made = bound_exchanges(httpx2.Client(**settings))
            pool = self._pools.setdefault(process, made)
            if pool is not made:  # another thread was first
                made.close()
        return pool


def __getattr__(name: str) -> Any:
    """Import the twin only where it is asked for: asyncio costs 30 ms."""
    if name == "AsyncHTTPClient":
        from utils.http_async import AsyncHTTPClient  # noqa: PLC0415

        return AsyncHTTPClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
