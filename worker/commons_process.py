"""The process that serves what jobs share: the worker hands each job's line in, jobs ask on it.

One thread that waits for nobody. Whose a line is was said by the worker, never by a job.
"""

import asyncio
import json
import os
import resource
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, assert_never

import structlog

from utils.commons import REQUEST_BYTES
from utils.logs import configure_logs
from utils.token_bucket import Pace
from worker.commons_file import Whose
from worker.commons_requests import (
    Claim,
    Drop,
    Get,
    Keys,
    Release,
    Request,
    Reserve,
    Set,
    read_request,
)
from worker.commons_shared import MachineShared, Shared

ADMISSION_BYTES = 4096
MOST_LINES = 1024
MOST_CLAIMS = 100  # of one line at once
MEMORY_BYTES = 2 * 1024**3  # of addresses; it takes some 60 MiB
NONSENSE = {"error": "this makes no sense here"}

log = structlog.get_logger()


def serve_commons(control_fd: int, folder: str, redis_url_file: str, log_format: str) -> None:
    """Serve until the worker is gone."""
    configure_logs(log_format)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    machine = MachineShared(Path(folder) / "cache.sqlite")
    shared: Shared = machine
    if redis_url_file:
        from worker.commons_redis import RedisShared  # noqa: PLC0415 - start-up time

        shared = RedisShared(Path(redis_url_file), machine)
    with suppress(KeyboardInterrupt):
        asyncio.run(Commons(shared).serve(socket.socket(fileno=control_fd)))
    machine.close()
    os._exit(0)


class Commons:
    """All lines that are open."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lines: set[asyncio.Task[None]] = set()

    async def serve(self, control: socket.socket) -> None:
        """Take lines in until the worker's end closes."""
        control.setblocking(False)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(control, self._admit, control, ended)
        await ended.wait()
        loop.remove_reader(control)

    def _admit(self, control: socket.socket, ended: asyncio.Event) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(control, ADMISSION_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            ended.set()
            return
        for fd in fds:
            line = socket.socket(fileno=fd)
            if len(self._lines) >= MOST_LINES:
                line.close()  # the job goes on with its own
                continue
            task = asyncio.create_task(self._serve_line(line, Whose(**json.loads(data))))
            self._lines.add(task)
            task.add_done_callback(self._lines.discard)

    async def _serve_line(self, line: socket.socket, whose: Whose) -> None:
        reader, writer = await asyncio.open_connection(sock=line, limit=REQUEST_BYTES)
        desk = LineDesk(self._shared, whose)
        try:
            # The next request is not read before the answer is taken: nothing piles up here.
            while request := await reader.readline():
                answer = await desk.answer(request)
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
                await asyncio.sleep(0)  # requests that lie here already must not be served in a row
        except (OSError, ValueError):  # it went, or a request was longer than any may be
            pass
        finally:
            writer.close()
            await desk.close()


class LineDesk:
    """One job's line: answers its requests, and gives back what it claimed when it goes."""

    def __init__(self, shared: Shared, whose: Whose) -> None:
        self._shared = shared
        self._whose = whose
        self._claims: dict[str, str] = {}

    async def answer(self, line: bytes) -> dict[str, Any]:
        """Return the answer to one line."""
        request = read_request(line)
        return NONSENSE if request is None else await self._done(request)

    async def close(self) -> None:
        """Give back what is still claimed."""
        for key, token in self._claims.items():
            await self._shared.release(self._whose, key, token)

    async def _done(self, request: Request) -> dict[str, Any]:
        shared, whose = self._shared, self._whose
        answer: dict[str, Any] = {}
        match request:
            case Reserve():
                pace = Pace(request.capacity, request.refill)
                wait = await shared.reserve(whose, request.name, pace, request.longest)
                answer = {"wait": wait}
            case Get():
                answer = {"value": await shared.get(whose, request.key)}
            case Set():
                kept = await shared.set(whose, request.key, request.value, request.ttl)
                answer = {"kept": kept}
            case Keys():
                answer = {"keys": await shared.keys(whose, request.after)}
            case Drop():
                answer = {"dropped": await shared.drop(whose, request.keys)}
            case Claim():
                answer = {"token": await self._claim(request)}
            case Release():
                self._claims.pop(request.key, None)
                await shared.release(whose, request.key, request.token)
            case _:
                assert_never(request)
        return answer

    async def _claim(self, request: Claim) -> str | None:
        if len(self._claims) >= MOST_CLAIMS:
            return None
        token = await self._shared.claim(self._whose, request.key, request.seconds)
        if token is not None:
            self._claims[request.key] = token
        return token
