"""What only the client with an event loop has; its rules are tested in test_http, for both."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from utils.http_async import AsyncHTTPClient

if TYPE_CHECKING:
    from tests.remote import Remote


def test_requests_go_side_by_side(remote: "Remote") -> None:
    remote.replies("/", remote.json(1))

    async def many() -> list[int]:
        async with AsyncHTTPClient(remote.url) as client:
            return list(await asyncio.gather(*(client.get("/") for _ in range(50))))

    assert asyncio.run(many()) == [1] * 50


def test_each_event_loop_has_its_own_connections(remote: "Remote") -> None:
    remote.replies("/", remote.json(1))
    client = AsyncHTTPClient(remote.url)

    async def once() -> None:
        async with client:
            await client.get("/")
            await client.get("/")

    asyncio.run(once())
    asyncio.run(once())
    assert [got.connection for got in remote.got] == [1, 1, 2, 2]


def test_a_cancelled_request_leaves_a_client_that_works(
    remote: "Remote", eventually: Callable[[Callable[[], object]], None]
) -> None:
    remote.replies("/", remote.reply(wait_seconds=60), remote.json(1))

    async def cancelled() -> int:
        async with AsyncHTTPClient(remote.url) as client:
            task = asyncio.create_task(client.get("/"))
            await asyncio.to_thread(eventually, lambda: remote.got)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            found: int = await client.get("/")
            return found

    assert asyncio.run(cancelled()) == 1
