"""SIGTERM and SIGINT: the first asks the worker to end in order, the second to hurry."""

import signal
import threading
from types import FrameType


class StopRequests:
    """What the signals have asked for so far."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.hurry = threading.Event()

    def listen(self) -> None:
        """Take the signals from now on; only the main thread may."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        (self.hurry if self.asked.is_set() else self.asked).set()
