import asyncio
from collections.abc import Callable, Coroutine
from ipaddress import ip_network
from typing import Any

import pytest

from utils.address_kinds import Exemption
from worker import egress_tunnel
from worker.client_hello import UNRECOGNIZED_NAME
from worker.egress_gate import Gate, Stream
from worker.egress_tunnel import Tunnel

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def tunnelled(client: Talk, server: Talk, first: bytes = b"") -> Gate:
    """Let a client and a server talk through a tunnel to 127.0.0.1; return what was recorded."""
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server(reader, writer)
        writer.close()
        served.set()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    gate = Gate("tool", (f"127.0.0.1:{port}",), [Exemption(ip_network("127.0.0.0/8"))])
    inner: asyncio.Queue[Stream] = asyncio.Queue()
    proxy = await asyncio.start_server(lambda *ends: inner.put_nowait(ends), "127.0.0.1", 0)
    ours = await asyncio.open_connection(*proxy.sockets[0].getsockname())
    way = await gate.connect("127.0.0.1", port)
    theirs = await inner.get()
    talk = asyncio.create_task(client(*ours))
    try:
        await Tunnel(theirs, way, gate).carry(first)
    finally:
        way.writer.close()
        theirs[1].close()
        await talk
        ours[1].close()
        await served.wait()
        for server_ in (listening, proxy):
            server_.close()
            await server_.wait_closed()
    return gate


def run(client: Talk, server: Talk, first: bytes = b"") -> Gate:
    async def limited() -> Gate:
        return await asyncio.wait_for(tunnelled(client, server, first), 60)

    return asyncio.run(limited())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def test_bytes_are_carried_both_ways_to_each_sides_end_and_counted() -> None:
    said = b"x" * 3_000_000
    heard = bytearray()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def speak() -> None:
            writer.write(said)
            await writer.drain()
            writer.write_eof()

        speaking = asyncio.create_task(speak())
        while data := await reader.read(65536):
            heard.extend(data)
        await speaking

    gate = run(client, echo, b"first ")
    assert heard == b"first " + said
    (row,) = gate.record.rows()
    assert row["bytes_sent"] == row["bytes_received"] == len(said) + 6


def test_server_may_speak_first() -> None:
    heard: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome\r\n")
        heard.append(await reader.read(100))

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b"HELO\r\n")
        writer.write_eof()

    run(client, server)
    assert heard == [b"220 welcome\r\n", b"HELO\r\n"]


@pytest.mark.parametrize(
    ("said", "seconds"), [(b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 15.0), (b"\x16\x03", 0.05)]
)
def test_what_begins_as_tls_and_is_none_is_cut_off_and_recorded(
    monkeypatch: pytest.MonkeyPatch, said: bytes, seconds: float
) -> None:
    monkeypatch.setattr(egress_tunnel, "HEAD_SECONDS", seconds)
    heard: list[bytes] = []

    async def server(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        heard.append(await reader.read())

    with pytest.raises(ConnectionAbortedError):
        run(client, server)
    assert sorted(heard) == [b"", UNRECOGNIZED_NAME]


def test_silent_tunnel_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress_tunnel, "IDLE_SECONDS", 0.05)

    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(TimeoutError):
        run(wait, wait)
