"""Serves one connection of a job: a tunnel (CONNECT), or one plain HTTP request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from utils.hosts import joined
from worker.egress_gate import Gate, Refused, Way
from worker.egress_tunnel import HEAD_SECONDS, IDLE_SECONDS, PIECE_BYTES, Tunnel, write

HEAD_LIMIT_BYTES = 32 * 1024
LINGER_BYTES, LINGER_SECONDS = 1024 * 1024, 2.0
ESTABLISHED = b"Connection established"
_OF_ONE_CONNECTION = frozenset(
    (
        *(b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization"),
        *(b"proxy-authenticate", b"te", b"trailer", b"upgrade", b"host"),
    )
)

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Target:
    """What a request is for; `path` is None for a tunnel."""

    host: str
    port: int
    path: bytes | None = None


class Client:
    """A job's end of a connection, as a server of HTTP/1.1 sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.http = h11.Connection(h11.SERVER, HEAD_LIMIT_BYTES)

    async def request(self) -> h11.Request:
        """Read the head of a request; raises Refused."""
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                event = await next_event(self.http, self.reader)
        except TimeoutError as error:
            raise Refused(408, "no request came") from error
        except h11.RemoteProtocolError as error:
            raise Refused(error.error_status_hint, f"this is no request: {error}") from error
        if not isinstance(event, h11.Request):
            raise ConnectionResetError
        return event

    async def send(self, event: h11.Event) -> None:
        """Send a part of the answer."""
        await write(self.writer, self.http.send(event) or b"")

    async def refuse(self, refused: Refused) -> None:
        """Answer with a status and a text, and be done."""
        text = f"{refused.text}\n".encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(text))),
            ("Connection", "close"),
        ]
        if refused.status == 403:  # a client can tell it from an answer of the host (RFC 9209)
            headers.append(("Proxy-Status", "trueline; error=http_request_denied"))
        if refused.status == 407:
            headers.append(("Proxy-Authenticate", 'Basic realm="job"'))
        # Some clients show nothing but the reason of a refused tunnel.
        reason = text.strip().decode("ascii", "replace").encode()
        with suppress(h11.LocalProtocolError):
            answer = h11.Response(status_code=refused.status, headers=headers, reason=reason)
            await self.send(answer)
            await self.send(h11.Data(data=text))
            await self.send(h11.EndOfMessage())
        await self._linger()

    async def _linger(self) -> None:
        """Read what is still being sent: a close before that would take the answer with it."""
        self.writer.write_eof()
        left = LINGER_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while left > 0 and (data := await self.reader.read(PIECE_BYTES)):
                    left -= len(data)


async def serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    gate: Gate,
    welcome: Callable[[], None] = lambda: None,
) -> None:
    """Serve one connection to its end, with a `welcome` once it has shown that it is the job's.

    Nothing that a client does is raised.
    """
    client = Client(reader, writer)
    way = None
    with suppress(OSError, h11.ProtocolError, TimeoutError):
        try:
            request = await client.request()
            gate.check_ticket(_header(request, b"proxy-authorization"))
            welcome()
            target = read_target(request)
            way = await gate.connect(target.host, target.port)
            if target.path is None:
                await client.send(h11.Response(status_code=200, headers=[], reason=ESTABLISHED))
                first, _ = client.http.trailing_data
                await Tunnel((reader, writer), way, gate).carry(first)
            else:
                await serve_request(client, way, request, target)
        except Refused as refused:
            await client.refuse(refused)
        finally:
            close(writer)
            if way is not None:
                close(way.writer)


def read_target(request: h11.Request) -> Target:
    """Return what a request is for; raises Refused."""
    asked = request.target.decode("ascii", "replace")
    try:
        if request.method == b"CONNECT":
            parts = urlsplit(f"//{asked}")
            host, port = parts.hostname, parts.port
            if host and port and parts.netloc == asked:
                return Target(host, port)
        else:
            parts = urlsplit(asked)
            host, port = parts.hostname, parts.port or 80
            if parts.scheme == "http" and host:
                path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
                return Target(host, port, path.encode())
    except ValueError:  # no port, or no address in the brackets
        pass
    raise Refused(400, "ask for CONNECT host:port, or for an http:// address in full")


async def serve_request(client: Client, way: Way, request: h11.Request, target: Target) -> None:
    """Pass one request on and its answer back; the connection ends with it."""
    server = h11.Connection(h11.CLIENT, HEAD_LIMIT_BYTES)
    host = target.host if ":" not in target.host else f"[{target.host}]"
    shown = host if target.port == 80 else f"{host}:{target.port}"
    headers = [(b"host", shown.encode()), *_passed_on(request.headers), (b"connection", b"close")]
    head = h11.Request(method=request.method, target=target.path or b"/", headers=headers)
    await _send(way, server, head)
    outward = asyncio.create_task(_pass_body(client, way, server))
    try:
        await _pass_answer(client, way, server)
    finally:
        outward.cancel()
        with suppress(asyncio.CancelledError, OSError, h11.ProtocolError, TimeoutError):
            await outward


async def next_event(
    connection: h11.Connection, reader: asyncio.StreamReader, way: Way | None = None
) -> h11.Event | type[h11.PAUSED]:
    """Return the next part of a message, read from a reader; raises what h11 raises."""
    while True:
        event = connection.next_event()
        if event is not h11.NEED_DATA:
            return event  # type: ignore[return-value]  # NEED_DATA was taken out
        async with asyncio.timeout(IDLE_SECONDS):
            data = await reader.read(PIECE_BYTES)
        if way is not None:
            way.row.bytes_received += len(data)
        connection.receive_data(data)


def close(writer: asyncio.StreamWriter) -> None:
    """Give up a connection."""
    with suppress(OSError, RuntimeError):
        writer.close()


async def _pass_body(client: Client, way: Way, server: h11.Connection) -> None:
    async for event in _body(client.http, client.reader):
        await _send(way, server, event)


async def _pass_answer(client: Client, way: Way, server: h11.Connection) -> None:
    event = await _answer_head(client, way, server)
    headers = [*_passed_on(event.headers), (b"connection", b"close")]
    answer = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
    await client.send(answer)
    async for part in _body(server, way.reader, way):
        await client.send(part)


async def _answer_head(client: Client, way: Way, server: h11.Connection) -> h11.Response:
    try:
        event = await next_event(server, way.reader, way)
        while isinstance(event, h11.InformationalResponse):
            if event.status_code == 100:  # the one that clients wait for
                await client.send(h11.InformationalResponse(status_code=100, headers=[]))
            event = await next_event(server, way.reader, way)
    except h11.RemoteProtocolError as error:
        raise Refused(502, f"{joined(way.row.host, way.row.port)} does not speak HTTP") from error
    if not isinstance(event, h11.Response):
        raise ConnectionResetError
    return event


async def _body(
    connection: h11.Connection, reader: asyncio.StreamReader, way: Way | None = None
) -> AsyncIterator[h11.Data | h11.EndOfMessage]:
    while True:
        event = await next_event(connection, reader, way)
        if isinstance(event, h11.Data):
            yield event
            await asyncio.sleep(0)  # a piece may be one byte: others have their turn in between
        else:
            yield h11.EndOfMessage()
            return


async def _send(way: Way, server: h11.Connection, event: h11.Event) -> None:
    data = server.send(event) or b""
    way.row.bytes_sent += len(data)
    await write(way.writer, data)


def _passed_on(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    named = {
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    }
    dropped = _OF_ONE_CONNECTION | named
    return [(name, value) for name, value in headers if name not in dropped]


def _header(request: h11.Request, wanted: bytes) -> str:
    found = [value for name, value in request.headers if name == wanted]
    return found[0].decode("latin-1") if found else ""
