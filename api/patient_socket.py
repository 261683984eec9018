"""A client's connection that is waited for so long, however the client spreads its bytes."""

import select
import socket
import time
from contextlib import suppress

PATIENCE_SECONDS = 20.0  # so long a request may keep a thread waiting
GOODBYE_SECONDS = 2.0
GOODBYE_BYTES = 64 * 1024
LEAST_BYTES_PER_SECOND = 64 * 1024  # what arrives at this rate is waited for without end


class PatientSocket(socket.socket):
    """Reads fail once a request has kept us waiting for too long in all.

    A limit on each read alone would not do: a client that sends a byte now and then keeps a thread.
    """

    _left_seconds = PATIENCE_SECONDS
    _is_over = False

    @classmethod
    def taking_over(cls, other: socket.socket) -> "PatientSocket":
        """Return the same connection; `other` no longer has it."""
        family, kind, protocol = other.family, other.type, other.proto
        return cls(family, kind, protocol, fileno=other.detach())

    def begin_request(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Begin to count anew."""
        self._left_seconds = patience_seconds

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read; raises BlockingIOError when the client was waited for long enough.

        A time-out of the socket's own goes before that: it is set where something else is counted.
        """
        if self._is_over:
            return b""
        if self.gettimeout() is not None:
            return super().recv(size, flags)
        try:
            data = super().recv(size, flags | socket.MSG_DONTWAIT)  # most is there already
        except BlockingIOError:
            self._wait_for_client()
            data = super().recv(size, flags)
        if not flags & socket.MSG_PEEK:
            earned = self._left_seconds + len(data) / LEAST_BYTES_PER_SECOND
            self._left_seconds = min(earned, PATIENCE_SECONDS)
        return data

    def _wait_for_client(self) -> None:
        began = time.monotonic()
        poll = select.poll()
        poll.register(self, select.POLLIN)
        if not poll.poll(max(self._left_seconds, 0.0) * 1000):
            self._left_seconds = 0.0
            raise BlockingIOError("the client is too slow")
        self._left_seconds -= time.monotonic() - began

    def say_goodbye(self, most_seconds: float = GOODBYE_SECONDS) -> None:
        """End our side, and take what still comes, else the client may lose its answer by it.

        Afterwards there is nothing more to read, so that closing it waits for nobody.
        """
        end, taken = time.monotonic() + most_seconds, 0
        with suppress(OSError):
            self.shutdown(socket.SHUT_WR)
            while taken < GOODBYE_BYTES and (left := end - time.monotonic()) > 0:
                self.settimeout(left)
                data = super().recv(GOODBYE_BYTES)
                if not data:
                    break
                taken += len(data)
        self._is_over = True
