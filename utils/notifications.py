"""Calls that wait for an answer from outside of their process, as the kernel passes them on."""

import errno
import fcntl
import os
import select
import struct
from contextlib import suppress
from typing import NamedTuple

_RECEIVE, _SEND, _IS_VALID, _SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082102, 0x40082104
_SAME_CORE = 1  # SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
_CALL = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")


class PendingCall(NamedTuple):
    """A call: who made it, which one it is by its number, and what with."""

    id: int
    thread: int
    number: int
    arguments: tuple[int, ...]


class Notifications:
    """One filter's listener."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        with suppress(OSError):  # before Linux 6.6, where it is only slower
            fcntl.ioctl(descriptor, _SET_FLAGS, _SAME_CORE)

    def fileno(self) -> int:
        """Return what becomes readable with each call, and hangs up with the last process."""
        return self._descriptor

    def receive(self) -> PendingCall | None:
        """Return the next call; None when it was broken off meanwhile."""
        raw = bytearray(_CALL.size)
        try:
            fcntl.ioctl(self._descriptor, _RECEIVE, raw)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.EINTR}:
                return None
            raise
        number, thread, _, call, _, _, *arguments = _CALL.unpack(raw)
        return PendingCall(number, thread, call, tuple(arguments))

    def still_waits(self, call: PendingCall) -> bool:
        """Whether the caller is alive; what was read of it before is its own then."""
        try:
            fcntl.ioctl(self._descriptor, _IS_VALID, struct.pack("=Q", call.id))
        except OSError:
            return False
        return True

    def answer(self, call: PendingCall, result: int) -> None:
        """Let a call return what it would have; a negative result is an error's number."""
        value, error = (0, result) if result < 0 else (result, 0)
        with suppress(FileNotFoundError):  # the caller is dead
            fcntl.ioctl(self._descriptor, _SEND, bytearray(_ANSWER.pack(call.id, value, error, 0)))

    def is_hung_up(self, events: int) -> bool:
        """Whether no process is left that could call."""
        return bool(events & (select.POLLHUP | select.POLLERR)) and not events & select.POLLIN

    def close(self) -> None:
        """Stop: what calls from now on gets ENOSYS."""
        os.close(self._descriptor)
