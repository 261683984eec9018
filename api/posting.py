"""Posts one body to one receiver: to an address that was checked, in bounded time, no redirects."""

import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import h11

from api.receiver_address import (
    BadReceiver,
    Receiver,
    Resolve,
    addresses_of,
    look_up,
)
from utils.address_kinds import Address, Exemption

CONNECT_SECONDS = 5.0
TRY_SECONDS = 15.0  # from the look-up's end to the answer's head, however slowly it comes
HEAD_LIMIT_BYTES = 32 * 1024
PIECE_BYTES = 16 * 1024


class PostFailed(Exception):  # noqa: N818 - an event, kept as text
    """Nothing that can be counted as an answer came; the text is for people."""


@dataclass(frozen=True)
class Answered:
    """The head of an answer; nothing of its body is kept."""

    status: int
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class Ways:
    """How receivers are reached."""

    exempt: Sequence[Exemption] = ()
    resolve: Resolve = look_up
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    try_seconds: float = TRY_SECONDS


def post(receiver: Receiver, headers: Mapping[str, str], body: bytes, ways: Ways) -> Answered:
    """Send a POST and read the answer's head; raises PostFailed."""
    try:
        addresses = addresses_of(receiver, ways.exempt, ways.resolve)
        deadline = time.monotonic() + ways.try_seconds
        with closing(_connect(receiver, addresses, ways, deadline)) as connection:
            return _exchange(connection, receiver, headers, body, deadline)
    except BadReceiver as error:
        raise PostFailed(error.reason) from error
    except TimeoutError as error:
        raise PostFailed(f"no answer within {ways.try_seconds:g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise PostFailed(f"its certificate is not good: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise PostFailed(f"TLS failed: {error.reason or 'no reason given'}") from error
    except socket.gaierror as error:
        raise PostFailed(f"its name cannot be looked up: {error.strerror}") from error
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "the connection broke"
        raise PostFailed(f"it cannot be reached: {why}") from error
    except h11.RemoteProtocolError as error:
        raise PostFailed("its answer is not HTTP") from error


def _connect(
    receiver: Receiver, addresses: Sequence[Address], ways: Ways, deadline: float
) -> socket.socket:
    failure: OSError = OSError("it has no address")
    for address in addresses:
        try:
            seconds = min(CONNECT_SECONDS, _left(deadline))
            connection = socket.create_connection((str(address), receiver.port), seconds)
        except OSError as error:
            failure = error
            continue
        if not receiver.secure:
            return connection
        try:
            connection.settimeout(_left(deadline))
            return ways.tls.wrap_socket(connection, server_hostname=receiver.host)
        except BaseException:
            connection.close()
            raise
    raise failure


def _exchange(
    connection: socket.socket,
    receiver: Receiver,
    headers: Mapping[str, str],
    body: bytes,
    deadline: float,
) -> Answered:
    http = h11.Connection(h11.CLIENT, HEAD_LIMIT_BYTES)
    sent = {"Host": receiver.authority, **headers, "Content-Length": str(len(body))}
    request = h11.Request(
        method="POST", target=receiver.path, headers=list({**sent, "Connection": "close"}.items())
    )
    message = (http.send(it) for it in (request, h11.Data(data=body), h11.EndOfMessage()))
    connection.settimeout(_left(deadline))
    connection.sendall(b"".join(piece or b"" for piece in message))
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            connection.settimeout(_left(deadline))
            http.receive_data(connection.recv(PIECE_BYTES))
        elif isinstance(event, h11.Response):
            return _answered(event)
        elif not isinstance(event, h11.InformationalResponse):
            raise ConnectionResetError


def _answered(response: h11.Response) -> Answered:
    asked = next((value for name, value in response.headers if name == b"retry-after"), b"")
    return Answered(response.status_code, _seconds(asked.decode("latin-1").strip()))


def _seconds(retry_after: str) -> float | None:
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after)
        return max(at.timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError, OSError):
        return None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
