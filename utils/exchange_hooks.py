"""Puts a tape between HTTP libraries and the network, in this process alone.

Each library is hooked where it hands a request to the network; `utils.http` sends by httpx2.
"""

import io
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

from utils.exchange_faults import Fault, Trouble
from utils.exchange_file import Reply, Request
from utils.exchange_tape import Outcome, Tape
from utils.late_hooks import Hook, LateHooks
from utils.virtual_clock import VirtualClock

_OF_A_PACKED_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@contextmanager
def hooked(tape: Tape, *, alone: bool) -> Iterator[None]:
    """Let every request go by the tape.

    With `alone` nothing else reaches a network either, and nothing is waited for.
    """
    clock = VirtualClock()
    played: dict[str, Hook] = {}
    if alone:
        played = {"utils.http_setup": clock.hook_http, "ssl": _trust_nobody}
    hooks = LateHooks(
        {
            **played,
            "httpx": lambda module, replace: _hook_httpx(module, replace, tape),
            "httpx2": lambda module, replace: _hook_httpx(module, replace, tape),
            "requests.adapters": lambda module, replace: _hook_requests(module, replace, tape),
        }
    )
    if alone:
        _refuse_network(hooks.replace)
        hooks.replace(time, "sleep", clock.sleep)
    hooks.install()
    try:
        yield
    finally:
        hooks.remove()


Replace = Callable[[Any, str, Any], None]


def _hook_httpx(library: ModuleType, replace: Replace, tape: Tape) -> None:
    send = library.HTTPTransport.handle_request
    send_async = library.AsyncHTTPTransport.handle_async_request

    def handle_request(transport: Any, request: Any) -> Any:
        asked = _asked(request, request.read())
        outcome = tape.answer(asked)
        if outcome is None:
            response = send(transport, request)
            outcome = _reply(response, response.read())
            response.close()
            tape.keep(asked, outcome)
        return _response(library, request, outcome)

    async def handle_async_request(transport: Any, request: Any) -> Any:
        asked = _asked(request, await request.aread())
        outcome = tape.answer(asked)
        if outcome is None:
            response = await send_async(transport, request)
            outcome = _reply(response, await response.aread())
            await response.aclose()
            tape.keep(asked, outcome)
        return _response(library, request, outcome)

    replace(library.HTTPTransport, "handle_request", handle_request)
    replace(library.AsyncHTTPTransport, "handle_async_request", handle_async_request)


def _asked(request: Any, body: bytes) -> Request:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, str(request.url), headers, body or None)


def _reply(response: Any, body: bytes) -> Reply:
    return Reply(response.status_code, _unpacked(response.headers), body)


def _response(library: Any, request: Any, outcome: Outcome) -> Any:
    """Return the library's response, or raise its error."""
    if isinstance(outcome, Reply):
        headers = _unpacked(outcome.headers)
        body = library.ByteStream(outcome.body)  # unread: a client may want it in pieces
        return library.Response(outcome.status, headers=headers, stream=body)
    match outcome.kind:
        case Fault.TIMEOUT:
            raise library.ReadTimeout("the read operation timed out", request=request)
        case Fault.REFUSED:
            raise library.ConnectError("[Errno 111] Connection refused", request=request)
    reply = outcome.reply or Reply(200, {}, b"")
    broken = _broken_stream(library, reply.body)
    return library.Response(reply.status, headers=_unpacked(reply.headers), stream=broken)


def _broken_stream(library: Any, beginning: bytes) -> Any:
    def fail() -> NoReturn:
        raise library.RemoteProtocolError(
            "peer closed connection without sending complete message body"
        )

    class Broken(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]  # of whichever library it is
        def __iter__(self) -> Iterator[bytes]:
            yield beginning
            fail()

        async def __aiter__(self) -> Any:
            yield beginning
            fail()

    return Broken()


def _hook_requests(adapters: ModuleType, replace: Replace, tape: Tape) -> None:
    send = adapters.HTTPAdapter.send

    def answer(adapter: Any, request: Any, *args: Any, **options: Any) -> Any:
        headers = {name.lower(): _as_text(value) for name, value in request.headers.items()}
        asked = Request(request.method, request.url, headers, _as_bytes(request.body))
        outcome = tape.answer(asked)
        if outcome is None:
            response = send(adapter, request, *args, **options)
            body = response.content
            outcome = Reply(response.status_code, _unpacked(response.headers), body)
            tape.keep(asked, outcome)
        return adapter.build_response(request, _raw(adapters, request, outcome))

    replace(adapters.HTTPAdapter, "send", answer)


def _raw(adapters: Any, request: Any, outcome: Outcome) -> Any:
    """Return the response of urllib3 that requests builds its own from, or raise its error."""
    if isinstance(outcome, Trouble):
        match outcome.kind:
            case Fault.TIMEOUT:
                raise adapters.ReadTimeout("Read timed out.", request=request)
            case Fault.REFUSED:
                raise adapters.ConnectionError("Connection refused", request=request)
    reply = outcome if isinstance(outcome, Reply) else outcome.reply or Reply(200, {}, b"")
    import urllib3  # noqa: PLC0415 - of the plugin's environment, wherever requests is

    raw = urllib3.HTTPResponse(
        body=io.BytesIO(reply.body),
        headers=_unpacked(reply.headers),
        status=reply.status,
        preload_content=False,
    )
    if isinstance(outcome, Trouble):
        stream = raw.stream

        def broken(*args: Any, **options: Any) -> Iterator[bytes]:
            yield from stream(*args, **options)
            raise urllib3.exceptions.ProtocolError("Connection broken: IncompleteRead")

        setattr(raw, "stream", broken)  # noqa: B010 - of this one response alone
    return raw


def _trust_nobody(ssl: ModuleType, replace: Replace) -> None:
    """Load no certificates: nothing is connected to, and each client would take 25 ms for them."""

    def load(context: Any, *args: Any, **options: Any) -> None:
        del context, args, options

    replace(ssl.SSLContext, "load_verify_locations", load)
    replace(ssl.SSLContext, "load_default_certs", load)


def _refuse_network(replace: Replace) -> None:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    look_up, send_to = socket.getaddrinfo, socket.socket.sendto

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, *args: Any) -> Any:
            if self.family == socket.AF_UNIX:  # stays on this machine
                return real(self, *args)
            raise _refusal(args[-1] if args else "")

        return call

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        try:
            return look_up(host, *args, **{**options, "flags": socket.AI_NUMERICHOST})
        except OSError:
            raise _refusal(host) from None

    replace(socket.socket, "connect", guarded(connect))
    replace(socket.socket, "connect_ex", guarded(connect_ex))
    replace(socket.socket, "sendto", guarded(send_to))
    replace(socket, "getaddrinfo", getaddrinfo)


def _refusal(where: Any) -> PermissionError:
    return PermissionError(
        1,
        f"there is no network while exchanges are replayed (asked for {where!r}); a client that "
        "they do not cover is played by a server of your tests",
    )


def _unpacked(headers: Any) -> dict[str, str]:
    pairs = ((name.lower(), value) for name, value in headers.items())
    return {name: value for name, value in pairs if name not in _OF_A_PACKED_BODY}


def _as_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _as_bytes(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body or None
    if isinstance(body, str):
        return body.encode()
    return bytes(body.read()) if hasattr(body, "read") else b"".join(body)
