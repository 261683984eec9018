"""The calls that the guard makes in a caller's place, as far as they may have to wait."""

import array
import ctypes
import errno
import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from utils.caller import Caller, checked
from utils.destinations import Refused
from utils.guarded_socket import GuardedSocket, Judge, Target

_FLAGS = 0x1 | 0x4 | 0x80 | 0x800 | 0x8000  # MSG_OOB, DONTROUTE, EOR, CONFIRM, MORE
_DONT_WAIT, _NO_SIGNAL = 0x40, 0x4000
_ZERO_COPY = 0x4000000
_MESSAGE = struct.Struct("=QI4xQQQQI4x")  # name, its size, pieces, their number, control, its size
_PIECE = struct.Struct("=QQ")
_CONTROL = struct.Struct("=Qii")
_CHUNK_BYTES = 256 * 1024
_MOST_SECONDS = 0.2  # of a connect that should not wait
_MOST_PIECES, _MOST_CONTROL_BYTES, _MOST_DATAGRAM_BYTES = 1024, 4096, 1024 * 1024
_RIGHTS = (socket.SOL_SOCKET, socket.SCM_RIGHTS)
# IP_TOS, IP_TTL, IP_PKTINFO; IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_TCLASS; UDP_SEGMENT: no ways.
_HARMLESS = {(0, 1), (0, 2), (0, 8), (41, 50), (41, 52), (41, 67), (17, 103)}


class GuardedCall(Protocol):
    """A call that can be tried again until it need not wait."""

    socket: GuardedSocket
    may_wait: bool
    is_polled: bool  # whether its socket tells when to try again

    def attempt(self) -> int:
        """Make it; raises OSError, BlockingIOError while it has to wait."""

    def progress(self) -> int | None:
        """Return what it answers when it is broken off, None for an error."""

    def close(self) -> None:
        """Let go of everything."""


class Listening:
    """listen(2)."""

    may_wait = False
    is_polled = False

    def __init__(self, mine: GuardedSocket, backlog: int) -> None:
        if not mine.has_path():
            raise Refused("listening", "jobs serve nobody; among themselves, by a socket in a file")
        self._backlog = backlog
        self.socket = mine

    def attempt(self) -> int:
        """Listen."""
        self.socket.listen(self._backlog)
        return 0

    def progress(self) -> None:
        """Return nothing: it never waits."""

    def close(self) -> None:
        """Let go of it."""
        self.socket.close()


class Connection:
    """connect(2)."""

    def __init__(self, libc: ctypes.CDLL, mine: GuardedSocket, target: Target) -> None:
        self._libc = libc
        self._target = target
        self._is_begun = False
        self.socket = mine
        self.may_wait = mine.waits
        # A local socket says that it could be written to, although its server is busy.
        self.is_polled = mine.is_internet

    def attempt(self) -> int:
        """Connect, or look how it goes."""
        raw = self._target.raw
        try:
            with self.socket.not_waiting(), _soon():
                return checked(self._libc.connect(self.socket.fileno(), raw, len(raw)))
        except InterruptedError as error:
            raise BlockingIOError(errno.EINPROGRESS, os.strerror(errno.EINPROGRESS)) from error
        except OSError as error:
            if self._is_begun and error.errno == errno.EISCONN:
                return 0
            raise
        finally:
            self._is_begun = True

    def progress(self) -> None:
        """Return nothing: half a connection is none."""

    def close(self) -> None:
        """Let go of it."""
        self._target.close()
        self.socket.close()


class Parcel(NamedTuple):
    """What is to be sent: an address, if there is one, and where the rest lies in the caller."""

    name: tuple[int, int]
    pieces: list[tuple[int, int]]
    control: tuple[int, int]
    flags: int
    answer: int = 0  # where to say how much was sent, if anywhere


def read_parcel(caller: Caller, start: int, flags: int) -> Parcel:
    """Read a `msghdr`; raises OSError."""
    name, name_size, pieces, count, control, control_size, _ = _MESSAGE.unpack(
        caller.read(start, _MESSAGE.size)
    )
    if count > _MOST_PIECES:
        raise _error(errno.EMSGSIZE)
    if control_size > _MOST_CONTROL_BYTES:
        raise _error(errno.ENOBUFS)
    listed = list(_PIECE.iter_unpack(caller.read(pieces, _PIECE.size * count)))
    control_place = (control, control_size if control else 0)
    return Parcel((name, name_size), listed, control_place, flags, start + _MESSAGE.size)


class Transmission:
    """sendto(2) and sendmsg(2)."""

    def __init__(
        self, libc: ctypes.CDLL, caller: Caller, mine: GuardedSocket, parcel: Parcel, judge: Judge
    ) -> None:
        if parcel.flags & _ZERO_COPY:
            raise _error(errno.ENOBUFS)  # programs then send without
        if mine.is_datagram and sum(size for _, size in parcel.pieces) > _MOST_DATAGRAM_BYTES:
            raise _error(errno.EMSGSIZE)
        self._libc = libc
        self._caller = caller
        self._left = parcel.pieces
        self._control = parcel.control
        self._flags = parcel.flags & _FLAGS | _DONT_WAIT | _NO_SIGNAL
        self._sent = 0
        self.socket = mine
        self.may_wait = mine.waits and not parcel.flags & _DONT_WAIT
        self.is_polled = mine.family != socket.AF_UNIX
        start, size = parcel.name
        # TCP has no use for an address here, as it may not connect by it.
        is_named = start and not (mine.is_internet and not mine.is_datagram)
        self._target = judge.to_send(caller, mine, start, size) if is_named else None

    def attempt(self) -> int:
        """Send what there is room for; a caller that waits gets an answer when all is sent."""
        self._send()
        if self._left and self.may_wait:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return self._sent

    def progress(self) -> int | None:
        """Return what was sent so far."""
        return self._sent or None

    def close(self) -> None:
        """Let go of it."""
        if self._target is not None:
            self._target.close()
        self.socket.close()

    def _send(self) -> None:
        ahead = self._left if self.socket.is_datagram else list(_first(self._left, _CHUNK_BYTES))
        data = self._caller.gather(ahead)
        lent: list[int] = []
        try:
            control = b"" if self._sent else self._copied_control(lent)
            sent = self._send_once(data, control)
        finally:
            for descriptor in lent:
                os.close(descriptor)
        self._sent += sent
        self._left = [] if self.socket.is_datagram else list(_beyond(self._left, sent))

    def _send_once(self, data: bytes, control: bytes) -> int:
        # What goes to the kernel goes there by default; named, it would count as the guard's own.
        has_name = self._target is not None and self.socket.family != socket.AF_NETLINK
        name = self._target.raw if self._target and has_name else b""
        held = [ctypes.create_string_buffer(one, len(one)) for one in (name, data, control)]
        places = [ctypes.addressof(one) if len(one) else 0 for one in held]
        piece = ctypes.create_string_buffer(_PIECE.pack(places[1], len(data)), _PIECE.size)
        fields = (places[0], len(name), ctypes.addressof(piece), 1, places[2], len(control), 0)
        message = ctypes.create_string_buffer(_MESSAGE.pack(*fields), _MESSAGE.size)
        return checked(self._libc.sendmsg(self.socket.fileno(), message, self._flags))

    def _copied_control(self, lent: list[int]) -> bytes:
        """Copy what goes beside the data; descriptors become duplicates, which `lent` notes.

        What says who sends is refused: the guard would speak in the name of another.
        """
        copied = b""
        data = self._caller.read(*self._control)
        while len(data) >= _CONTROL.size:
            size, level, kind = _CONTROL.unpack_from(data)
            if not _CONTROL.size <= size <= len(data):
                raise _error(errno.EINVAL)
            content = data[_CONTROL.size : size]
            if (level, kind) == _RIGHTS:
                content = self._duplicated(content, lent)
            elif (level, kind) not in _HARMLESS:
                raise _error(errno.EPERM)
            copied += _CONTROL.pack(_CONTROL.size + len(content), level, kind) + content
            copied += bytes(-len(copied) % 8)
            data = data[size + -size % 8 :]
        return copied

    def _duplicated(self, content: bytes, lent: list[int]) -> bytes:
        theirs = array.array("i", content[: len(content) - len(content) % 4])
        lent.extend(self._caller.duplicate(descriptor) for descriptor in theirs)
        return array.array("i", lent[-len(theirs) :]).tobytes()


class FirstOfMany(Transmission):
    """sendmmsg(2), which may send fewer messages than it was given: the first."""

    def __init__(
        self, libc: ctypes.CDLL, caller: Caller, mine: GuardedSocket, parcel: Parcel, judge: Judge
    ) -> None:
        super().__init__(libc, caller, mine, parcel, judge)
        self._tell = parcel.answer

    def attempt(self) -> int:
        """Send it, and tell how many messages were sent."""
        return self._told(super().attempt())

    def progress(self) -> int | None:
        """Return the number of messages that were begun."""
        return self._told(self._sent) if self._sent else None

    def _told(self, sent: int) -> int:
        self._caller.write(self._tell, struct.pack("=I", sent))
        return 1


@contextmanager
def _soon() -> Iterator[None]:
    """Break off a call that waits: another thread of the caller lets the socket wait again."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, _MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _first(pieces: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    for start, length in pieces:
        if size <= 0:
            return
        yield start, min(length, size)
        size -= length


def _beyond(pieces: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    for start, length in pieces:
        if size < length:
            yield start + max(size, 0), length - max(size, 0)
        size -= length


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
