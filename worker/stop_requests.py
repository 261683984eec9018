"""What asks the worker to end: SIGTERM and SIGINT, twice to hurry, and a thread that crashed."""

import os
import select
import signal
import threading
from types import FrameType

import structlog

log = structlog.get_logger()


class Flag:
    """Is set once and stays so. Unlike an Event it may be set by a signal's handler.

    A handler runs in the main thread, perhaps while that holds an Event's lock: then it would wait
    for itself. A byte in a pipe needs no lock; it is never read, so that everybody sees it.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._seen, self._told = os.pipe()

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_set

    def set(self) -> None:
        """Set it, and let all go on that wait for it."""
        if not self._is_set:
            self._is_set = True
            os.write(self._told, b"!")

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until it is set; False when the time is over first."""
        poll = select.poll()
        poll.register(self._seen, select.POLLIN)
        poll.poll(None if timeout_seconds is None else timeout_seconds * 1000)
        return self._is_set


class StopRequests:
    """What was asked for so far."""

    def __init__(self) -> None:
        self.asked = Flag()
        self.hurry = Flag()
        self.crash = ""

    def listen(self) -> None:
        """Take the signals from now on; only the main thread may."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)
        threading.excepthook = self._note_crash

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        (self.hurry if self.asked.is_set() else self.asked).set()

    def _note_crash(self, crash: threading.ExceptHookArgs) -> None:
        """End a worker that would go on without one of its parts; it is meant to be restarted."""
        self.crash = crash.thread.name if crash.thread else "unnamed"
        error = crash.exc_value
        log.error("thread crashed", thread=self.crash, exc_info=error)
        self.asked.set()
