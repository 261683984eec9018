"""One task in a thread of its own, with its deadline."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from types import FrameType

from utils.results import TaskResult
from utils.task_run import TaskRun
from utils.thread_deadline import ThreadDeadline

STOP_SECONDS = 1.0  # for a task to stop once it is told to; less than the worker waits


class TaskThread:
    """Started and watched by one thread; `ended` is called in the task's own thread at its end."""

    def __init__(
        self, run: TaskRun, timeout_seconds: float, ended: Callable[["TaskThread"], None]
    ) -> None:
        self.name = run.spec.name
        self.result: TaskResult | None = None  # once the task has ended
        self._run = run
        self._ended = ended
        self._deadline = ThreadDeadline()
        self._began_at = time.monotonic()
        self._is_told = False
        self.next_moment = self._began_at + timeout_seconds  # when to look at it again
        self._thread = Thread(target=self._work, name=f"task {self.name}", daemon=True)

    def start(self) -> bool:
        """Start it; False when this process can have no more threads."""
        try:
            self._thread.start()
        except RuntimeError:
            return False
        return True

    def look(self, now: float) -> TaskResult | None:
        """Tell a task to stop that is past its deadline; return a result once it did not.

        It is then still running, and never waited for again.
        """
        if now < self.next_moment or self.result is not None:
            return None
        if self._is_told:
            return self._run.given_up(self._frame(), round(now - self._began_at, 6))
        self._is_told = True
        self.next_moment = now + STOP_SECONDS
        self._deadline.ring()
        if self._run.loop is not None:
            with suppress(RuntimeError):  # it is closed
                self._run.loop.call_soon_threadsafe(_wake_up)
        return None

    def is_gone(self) -> bool:
        """Tell whether an ended task's thread is gone; what it kept to itself may still end."""
        self._thread.join(STOP_SECONDS)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self.result = self._run.run(self._deadline.call_within)
        finally:
            self._ended(self)

    def _frame(self) -> FrameType | None:
        return sys._current_frames().get(self._thread.ident or 0)  # noqa: SLF001 - documented


def _wake_up() -> None:
    """Let an event loop turn, so that it runs Python code."""
