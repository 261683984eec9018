"""The name that a TLS client asks for (SNI), read from its first message without any key.

RFC 8446, section 4.1.2, and RFC 6066, section 3.
"""

from typing import NamedTuple

HANDSHAKE, CLIENT_HELLO, SERVER_NAME, HOST_NAME = 22, 1, 0, 0
LIMIT_BYTES = 32 * 1024
MOST_RECORDS = 32  # a client needs one; what is read again with each byte must stay short
_RECORD_HEADER, _MESSAGE_HEADER = 5, 4
# A fatal alert, unrecognized_name: what a server says to a name that it does not serve.
UNRECOGNIZED_NAME = bytes((21, 3, 3, 0, 2, 2, 112))


class BadHello(Exception):  # noqa: N818 - an event, answered by the end of the connection
    """It began as TLS and is none."""


class Hello(NamedTuple):
    """What the first bytes of a connection say so far."""

    is_whole: bool  # False: read on
    name: str | None = None  # None: no TLS, or TLS that asks for no name


def read_hello(data: bytes) -> Hello:
    """Read the first bytes of a client; raises BadHello."""
    if not data:
        return Hello(is_whole=False)
    if data[0] != HANDSHAKE:
        return Hello(is_whole=True)
    message = _handshake(data)
    if len(message) < _MESSAGE_HEADER:
        return _unfinished(data)
    if message[0] != CLIENT_HELLO:
        raise BadHello
    size = int.from_bytes(message[1:_MESSAGE_HEADER])
    if len(message) < _MESSAGE_HEADER + size:
        return _unfinished(data)
    body = _Bytes(message[_MESSAGE_HEADER : _MESSAGE_HEADER + size])
    return Hello(is_whole=True, name=_name_in(body))


def _unfinished(data: bytes) -> Hello:
    if len(data) > LIMIT_BYTES:
        raise BadHello
    return Hello(is_whole=False)


def _handshake(data: bytes) -> bytes:
    """Join what the records carry; a message may be cut into several."""
    pieces: list[bytes] = []
    start = 0
    while len(data) >= start + _RECORD_HEADER and data[start] == HANDSHAKE:
        if len(pieces) == MOST_RECORDS:
            raise BadHello
        end = start + _RECORD_HEADER + int.from_bytes(data[start + 3 : start + _RECORD_HEADER])
        pieces.append(data[start + _RECORD_HEADER : end])
        start = end
    return b"".join(pieces)


class _Bytes:
    """Reads fields that say their own length."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, size: int) -> bytes:
        if len(self.data) < size:
            raise BadHello
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def field(self, size_of_length: int) -> "_Bytes":
        return _Bytes(self.take(self.number(size_of_length)))


def _name_in(hello: _Bytes) -> str | None:
    hello.take(2 + 32)  # version, random
    hello.field(1)  # session
    hello.field(2)  # ciphers
    hello.field(1)  # compression
    if not hello.data:
        return None
    extensions = hello.field(2)
    while extensions.data:
        kind, content = extensions.number(2), extensions.field(2)
        if kind == SERVER_NAME:
            return _host_name(content.field(2))
    return None


def _host_name(names: _Bytes) -> str | None:
    while names.data:
        kind, name = names.number(1), names.field(2)
        if kind == HOST_NAME:
            return name.data.decode("ascii", "replace")
    return None
