"""What asks the worker to end: SIGTERM and SIGINT, twice to hurry, and a thread that crashed."""

import signal
import threading
from types import FrameType

import structlog

log = structlog.get_logger()


class StopRequests:
    """What was asked for so far."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.hurry = threading.Event()
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
