"""What asks the worker to end: SIGTERM and SIGINT, twice to hurry, and a thread that crashed."""

import os
import select
import signal
import threading
from contextlib import suppress
from types import FrameType

import structlog

log = structlog.get_logger()


class Flag:
    """Is set once and stays so: a byte in a pipe, which is never read, so that everybody sees it.

    Unlike an Event it needs no lock and no Python to be set. Python runs a signal's handler in the
    main thread, and not while that waits: a signal that comes just before the wait, or that the
    system gives to another thread, would be heard only after it.
    """

    def __init__(self) -> None:
        self._seen, self.told = os.pipe()  # a byte to `told` sets it
        os.set_blocking(self.told, False)

    def is_set(self) -> bool:
        """Whether it was set."""
        return self.wait(0.0)

    def set(self) -> None:
        """Set it, and let all go on that wait for it."""
        with suppress(BlockingIOError):  # it was set thousands of times
            os.write(self.told, b"!")

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until it is set; False when the time is over first."""
        poll = select.poll()
        poll.register(self._seen, select.POLLIN)
        return bool(poll.poll(None if timeout_seconds is None else timeout_seconds * 1000))


class StopRequests:
    """What was asked for so far."""

    def __init__(self) -> None:
        self.asked = Flag()
        self.hurry = Flag()
        self.crash = ""
        self._was_asked = False  # as far as Python has heard: `asked` is ahead of that

    def listen(self) -> None:
        """Take the signals from now on; only the main thread may."""
        signal.set_wakeup_fd(self.asked.told, warn_on_full_buffer=False)  # each signal sets it
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)
        threading.excepthook = self._note_crash

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        if self._was_asked:
            self.hurry.set()
        self._was_asked = True

    def _note_crash(self, crash: threading.ExceptHookArgs) -> None:
        """End a worker that would go on without one of its parts; it is meant to be restarted."""
        self.crash = crash.thread.name if crash.thread else "unnamed"
        error = crash.exc_value
        log.error("thread crashed", thread=self.crash, exc_info=error)
        self._was_asked = True
        self.asked.set()
