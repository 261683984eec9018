"""`AsyncHTTPClient`: `utils.http.HTTPClient` for code that awaits."""

from asyncio import AbstractEventLoop, get_running_loop, sleep, timeout
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack
from weakref import WeakKeyDictionary

import httpx2

from utils.http_answer import Answer, Fault
from utils.http_exchange import Pause
from utils.http_order import Order
from utils.http_paging import Paging, Walk
from utils.http_setup import Extras, HTTPOptions, HTTPSetup
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


class AsyncHTTPClient:
    """A client of one API, with the rules of `HTTPClient`; each event loop has its connections.

    >>> async with AsyncHTTPClient("https://api.example.com/v1") as client:
    ...     await client.get("/items", params={"state": "open"})
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
        self._pools: WeakKeyDictionary[AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()

    async def get(self, path: str, **extras: Unpack[Extras]) -> Any:
        """Return the JSON of a GET; None where the answer is empty."""
        return await self.request_json("GET", path, **extras)

    async def post(self, path: str, **extras: Unpack[Extras]) -> Any:
        """POST and return the answer's JSON; repeated only where that is safe."""
        return await self.request_json("POST", path, **extras)

    async def patch(self, path: str, **extras: Unpack[Extras]) -> Any:
        """PATCH and return the answer's JSON; repeated only where that is safe."""
        return await self.request_json("PATCH", path, **extras)

    async def put(self, path: str, **extras: Unpack[Extras]) -> Any:
        """PUT and return the answer's JSON."""
        return await self.request_json("PUT", path, **extras)

    async def delete(self, path: str, **extras: Unpack[Extras]) -> Any:
        """DELETE and return the answer's JSON."""
        return await self.request_json("DELETE", path, **extras)

    async def request_json(self, method: str, url: str, **extras: Unpack[Extras]) -> Any:
        """Return the JSON of any request; `url` is a path, or absolute at the same origin."""
        order = self._setup.order(method, url, **extras)
        return self._setup.json_of(order, await self._answer(order))

    async def request_bytes(self, method: str, url: str, **extras: Unpack[Extras]) -> bytes | None:
        """Return the body of any request as it is; None where it is empty."""
        return (await self.request(method, url, **extras)).body or None

    async def request(self, method: str, url: str, **extras: Unpack[Extras]) -> Answer:
        """Return the whole answer: status, headers and body."""
        return await self._answer(self._setup.order(method, url, **extras))

    async def pages(
        self, path: str, paging: Paging, **extras: Unpack[Extras]
    ) -> AsyncIterator[Any]:
        """Yield the JSON of each page, to the last one."""
        walk = Walk(paging, path, extras.get("params"))
        while ahead := walk.ahead:
            extras["params"] = ahead[1]
            order = self._setup.order("GET", ahead[0], **extras)
            walk.begin(order.url)
            answer = await self._answer(order)
            page = self._setup.json_of(order, answer)
            yield page
            walk.go_on(order.url, answer, page)

    async def items(
        self, path: str, paging: Paging, **extras: Unpack[Extras]
    ) -> AsyncIterator[Any]:
        """Yield each item of each page."""
        async for page in self.pages(path, paging, **extras):
            for item in paging.items_of(page):
                yield item

    async def download(self, path: str, target: Path, **extras: Unpack[Extras]) -> int:
        """Write what a GET answers to a file and return its size; the file is whole or not there.

        It is never held in memory. An attempt that broke off is begun anew.
        """
        receiver = IntoFile(target)
        try:
            await self._answer(self._setup.download(path, **extras), receiver)
        finally:
            receiver.discard()
        return receiver.size_bytes

    async def aclose(self) -> None:
        """Close this event loop's connections; a later request opens new ones."""
        pool = self._pools.pop(get_running_loop(), None)
        if pool is not None:
            await pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _answer(self, order: Order, receiver: Receiver | None = None) -> Answer:
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
                await (self._setup.options.edges.async_sleep or sleep)(step.seconds)
                outcome = None
            else:
                outcome = await self._sent(step.order, taking)

    async def _sent(self, order: Order, receiver: Receiver) -> Answer | Fault:
        pool = self._pool()
        try:
            async with timeout(order.whole_seconds):
                request = request_of(pool, order, self._setup.endpoint.origin)
                response = await pool.send(request, stream=True)
                async with aclosing(response):
                    taking = Taking(response, receiver)
                    async for piece in response.aiter_raw():
                        if not taking.take(piece):
                            break
                    taking.end()
        except (*LIBRARY_ERRORS, TimeoutError) as error:
            return fault_of(error, order)
        return taking.answer()

    def _pool(self) -> httpx2.AsyncClient:
        loop = get_running_loop()
        if loop not in self._pools:
            settings = pool_settings(self._setup.options.verify, self._setup.endpoint.origin)
            self._pools[loop] = httpx2.AsyncClient(**settings)
        return self._pools[loop]
