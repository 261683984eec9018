"""Asks a running job to end, from any thread, and wakes the thread that runs it."""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Literal

StopReason = Literal["cancelled", "interrupted"]


class StopSignal:
    """One job's: the first request counts, and it may come before the job runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: StopReason | None = None
        self._wake: int | None = None

    @property
    def reason(self) -> StopReason | None:
        """Why the job shall end; None while it may go on."""
        return self._reason

    def request(self, reason: StopReason) -> None:
        """End it: `cancelled` with a report of that, `interrupted` without another word."""
        with self._lock:
            self._reason = self._reason or reason
            if self._wake is not None:
                with contextlib.suppress(BlockingIOError):  # it is woken already
                    os.write(self._wake, b"s")

    @contextlib.contextmanager
    def waking(self) -> Iterator[int]:
        """Give a descriptor that is readable once the end was asked for."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        with self._lock:
            self._wake = write
            if self._reason is not None:
                os.write(write, b"s")
        try:
            yield read
        finally:
            with self._lock:
                self._wake = None
            os.close(read)
            os.close(write)
