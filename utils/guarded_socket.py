"""The guard's duplicate of a caller's socket, and the address that it may be used with.

What is judged is a copy, and the very copy is used: the caller's memory and its table of
descriptors may change meanwhile, so that it is never told to go on by itself.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from utils.caller import Caller
from utils.destinations import Destination, Destinations, Refused

_MOST_ADDRESS_BYTES = 128
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_UNIX_PATH = 2  # where it begins in an address
_NETLINK = struct.Struct("=HHII")  # family, nothing, port, groups


class GuardedSocket:
    """A duplicate; what the guard asks about it can never change. Close it."""

    def __init__(self, caller: Caller, descriptor: int) -> None:
        mine = caller.duplicate(descriptor)
        try:
            # Given a family and a kind, which it does not use, it looks for none itself.
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, mine)
        except BaseException:
            os.close(mine)
            raise
        try:
            self.family = self._option(socket.SO_DOMAIN)
            self.kind = self._option(socket.SO_TYPE)
        except BaseException:
            self._socket.close()
            raise

    @property
    def is_internet(self) -> bool:
        """Whether what it reaches has to be judged."""
        return self.family in _INTERNET

    @property
    def is_datagram(self) -> bool:
        """Whether what it sends is one piece."""
        return self.kind != socket.SOCK_STREAM

    @property
    def is_udp(self) -> bool:
        """Whether it is one of UDP, and not of another protocol that sends pieces."""
        return self.is_datagram and self._option(socket.SO_PROTOCOL) == socket.IPPROTO_UDP

    @property
    def waits(self) -> bool:
        """Whether calls on it wait."""
        return os.get_blocking(self.fileno())

    def fileno(self) -> int:
        """Return the guard's own descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let go of it; the caller's own stays."""
        self._socket.close()

    def has_path(self) -> bool:
        """Whether it is a local one with a file as its name."""
        name = self._socket.getsockname() if self.family == socket.AF_UNIX else b""
        return isinstance(name, str) and name != ""

    def listen(self, backlog: int) -> None:
        """Let others connect to it."""
        self._socket.listen(backlog)

    def patience_seconds(self) -> float | None:
        """Return for how long it wants to wait for a connection or for room; None: for ever."""
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16)
        seconds, microseconds = struct.unpack("=qq", raw)
        return float(seconds + microseconds / 1e6) or None

    @contextmanager
    def not_waiting(self) -> Iterator[None]:
        """Let no call on it wait meanwhile."""
        if not self.waits:
            yield
            return
        os.set_blocking(self.fileno(), False)
        try:
            yield
        finally:
            os.set_blocking(self.fileno(), True)

    def _option(self, name: int) -> int:
        return self._socket.getsockopt(socket.SOL_SOCKET, name)


class Target(NamedTuple):
    """An address that was judged; `held` keeps the file open that it may lead to."""

    raw: bytes
    held: int | None = None

    def close(self) -> None:
        """Let go of the file."""
        if self.held is not None:
            os.close(self.held)


class Judge:
    """Copies addresses out of a caller's memory and decides on them; raises OSError."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations

    def to_connect(self, caller: Caller, mine: GuardedSocket, start: int, size: int) -> Target:
        """Return where a socket may be connected to."""
        raw = _read_address(caller, start, size)
        if _family(raw) == socket.AF_UNSPEC:
            return Target(raw)  # it takes a connection away
        return self._judged(caller, mine, raw)

    def to_send(self, caller: Caller, mine: GuardedSocket, start: int, size: int) -> Target:
        """Return where one message may go."""
        return self._judged(caller, mine, _read_address(caller, start, size))

    def _judged(self, caller: Caller, mine: GuardedSocket, raw: bytes) -> Target:
        if mine.is_internet:
            destination = Destination.parse(raw)
            # Name look-ups ask so for the way to what they found; UDP delivers to no such port,
            # while other protocols (ping) have no ports at all.
            if not (mine.is_udp and destination.port == 0):
                self._destinations.check(destination)
            return Target(raw)
        if _family(raw) != mine.family:
            raise _error(errno.EINVAL)
        return _local(caller, raw) if mine.family == socket.AF_UNIX else _kernel(raw)


def _read_address(caller: Caller, start: int, size: int) -> bytes:
    if not 2 <= size <= _MOST_ADDRESS_BYTES:
        raise _error(errno.EINVAL)
    return caller.read(start, size)


def _family(raw: bytes) -> int:
    return int(struct.unpack_from("=H", raw)[0])


def _local(caller: Caller, raw: bytes) -> Target:
    """Find a local socket where the caller sees it; names without a file are the machine's."""
    path = raw[_UNIX_PATH:].split(b"\0", 1)[0]
    if not path:
        raise Refused("a local socket without a file", "use one with a path")
    held = caller.open_path(path)
    family = struct.pack("=H", socket.AF_UNIX)
    return Target(family + f"/proc/self/fd/{held}".encode() + b"\0", held)


def _kernel(raw: bytes) -> Target:
    """Allow netlink to talk to the kernel, and to nobody else."""
    if len(raw) < _NETLINK.size:
        raise _error(errno.EINVAL)
    _, _, port, groups = _NETLINK.unpack_from(raw)
    if port or groups:
        raise _error(errno.EPERM)
    return Target(raw[: _NETLINK.size])


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
