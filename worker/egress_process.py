"""The proxy's process: takes the worker's orders on a socket, and ends when that closes."""

import asyncio
import json
import os
import resource
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from utils.address_kinds import Exemption
from utils.egress import DESK
from worker.egress_addresses import read_exemptions
from worker.egress_entrance import Desk, Entrance
from worker.egress_gate import MOST_CONNECTIONS, Gate
from worker.egress_proxy import serve

ORDER_LIMIT_BYTES = 1024 * 1024
END_SECONDS = 2.0  # for a job's connections, so that the worker never waits for one


def serve_egress(control_fd: int, folder: str, private: str) -> None:
    """Be the proxy until the worker is gone."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection takes two descriptors
    asyncio.run(_serve(socket.socket(fileno=control_fd), Path(folder), private))
    os._exit(0)  # threads that accept wait for nobody


async def _serve(control: socket.socket, folder: Path, private: str) -> None:
    orders, answers = await asyncio.open_connection(sock=control, limit=ORDER_LIMIT_BYTES)
    proxy = Proxy(read_exemptions(private))
    desk = Desk(folder, DESK, proxy.let_in)
    while line := await orders.readline():
        answer = await proxy.obey(json.loads(line))
        answers.write(json.dumps(answer).encode() + b"\n")
    desk.close()
    answers.close()


@dataclass
class _Job:
    gate: Gate
    places: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(MOST_CONNECTIONS)
    )
    entrances: list[Entrance] = field(default_factory=list)
    connections: set[asyncio.Task[None]] = field(default_factory=set)
    strangers: dict[asyncio.Task[None], None] = field(default_factory=dict)

    def send_stranger_away(self) -> None:
        """Close the oldest connection whose ticket is not known yet: it may be another job's."""
        if self.strangers:
            next(iter(self.strangers)).cancel()


class Proxy:
    """The jobs that are under way, by the keys that the worker gave them."""

    def __init__(self, exempt: tuple[Exemption, ...]) -> None:
        self._exempt = exempt
        self._jobs: dict[str, _Job] = {}
        self._unused: dict[str, _Job] = {}  # tickets that no child has handed a socket over with

    async def obey(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out one order of the worker, and return the answer."""
        if order["do"] == "admit":
            self._expect(order)
            return {}
        if order["do"] == "end":
            return await self._end(order["job"])
        return {"alive": True}

    def let_in(self, ticket: str, listener: socket.socket) -> bool:
        """Serve what comes in at a socket; each ticket is good for one."""
        job = self._unused.pop(ticket, None)
        if job is None:
            return False
        job.gate.tickets.add(ticket)
        take = partial(self._take, job)
        job.entrances.append(Entrance(listener, job.places, take, job.send_stranger_away))
        return True

    def _expect(self, order: Mapping[str, Any]) -> None:
        job = self._jobs.get(order["job"])
        if job is None:
            hosts = None if order["hosts"] is None else tuple(order["hosts"])
            gate = Gate(order["integration"], hosts, self._exempt)
            job = self._jobs[order["job"]] = _Job(gate)
        self._unused[order["ticket"]] = job

    async def _end(self, key: str) -> Mapping[str, Any]:
        job = self._jobs.pop(key, None)
        if job is None:
            return {"reached": [], "omitted": 0, "known": False}
        self._unused = {ticket: it for ticket, it in self._unused.items() if it is not job}
        for entrance in job.entrances:
            entrance.close()
        for task in job.connections:
            task.cancel()
        if job.connections:
            await asyncio.wait(job.connections, timeout=END_SECONDS)
        return {**job.gate.answer(), "known": True}

    def _take(self, job: _Job, connection: socket.socket) -> None:
        def welcome() -> None:
            job.strangers.pop(task, None)

        serving = _serve_connection(connection, job.gate, welcome)
        task = asyncio.get_running_loop().create_task(serving)
        job.connections.add(task)
        job.strangers[task] = None

        def forget(ended: asyncio.Task[None]) -> None:
            job.connections.discard(ended)
            job.strangers.pop(ended, None)
            job.places.release()

        task.add_done_callback(forget)


async def _serve_connection(
    connection: socket.socket, gate: Gate, welcome: Callable[[], None]
) -> None:
    try:
        reader, writer = await asyncio.open_connection(sock=connection)
    except OSError:
        connection.close()
        return
    await serve(reader, writer, gate, welcome)
