"""Carries bytes between a job and a host, both ways, until both have ended."""

import asyncio
import time
from contextlib import suppress

from worker.client_hello import UNRECOGNIZED_NAME, BadHello, read_hello
from worker.egress_gate import Gate, Stream, Way

HEAD_SECONDS = 15.0  # from the first byte of a head to its last
IDLE_SECONDS = 600.0
PIECE_BYTES = 64 * 1024


class Tunnel:
    """One tunnel; a client that begins TLS must ask for the name that it was opened for."""

    def __init__(self, client: Stream, way: Way, gate: Gate) -> None:
        self._reader, self._writer = client
        self._way = way
        self._gate = gate
        self._carried_at = time.monotonic()

    async def carry(self, first: bytes) -> None:
        """Carry everything; `first` has come from the client already."""
        tasks = [asyncio.create_task(one) for one in (self._outward(first), self._inward())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _inward(self) -> None:
        while data := await self._read(self._way.reader):
            self._way.row.bytes_received += len(data)
            await write(self._writer, data)
        self._writer.write_eof()

    async def _outward(self, first: bytes) -> None:
        data = await self._checked(first)
        while data:
            self._way.row.bytes_sent += len(data)
            await write(self._way.writer, data)
            data = await self._read(self._reader)
        self._way.writer.write_eof()

    async def _checked(self, first: bytes) -> bytes:
        """Return what the client says first, once it is clear that it may."""
        name: str | None = None
        try:
            data, name = await self._introduction(first)
            is_right = name is None or name.lower().removesuffix(".") == self._way.row.host
        except (BadHello, TimeoutError):
            is_right = False
        if not is_right:
            self._gate.refuse_name(name, self._way)
            await write(self._writer, UNRECOGNIZED_NAME)
            raise ConnectionAbortedError
        return data

    async def _introduction(self, data: bytes) -> tuple[bytes, str | None]:
        """Read until it is clear whether the client speaks TLS, and which name it asks for."""
        async with asyncio.timeout(None) as limit:
            while not (hello := read_hello(data)).is_whole:
                if data:  # in some protocols servers speak first, and clients much later
                    limit.reschedule(asyncio.get_running_loop().time() + HEAD_SECONDS)
                more = await self._read(self._reader)
                if not more:
                    break
                data += more
        return data, hello.name

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        """Read what comes; raises TimeoutError once neither side has said anything for too long."""
        while (left := self._carried_at + IDLE_SECONDS - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    data = await reader.read(PIECE_BYTES)
                self._carried_at = time.monotonic()
                return data
        raise TimeoutError


async def write(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Write, and wait while the other side is slow."""
    writer.write(data)
    async with asyncio.timeout(IDLE_SECONDS):
        await writer.drain()
