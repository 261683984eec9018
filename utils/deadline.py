"""The soft deadline: stops a plugin's call in the main thread with an exception."""

import signal
import time
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

# Calls with a deadline: `call_within`, or what stands in for it in another thread.
Within = Callable[[float, Callable[[], Any]], Any]

# Of the call that this context belongs to: each thread and each asynchronous task has its own.
_ENDS_AT: ContextVar[float | None] = ContextVar("trueline_ends_at", default=None)


def seconds_left() -> float | None:
    """Return how long the running call may still take; None where it has no deadline."""
    ends_at = _ENDS_AT.get()
    return None if ends_at is None else max(0.0, ends_at - time.monotonic())


def note_deadline(seconds: float) -> None:
    """Let `seconds_left` tell of a deadline in so many seconds; 0: there is none."""
    _ENDS_AT.set(time.monotonic() + seconds if seconds else None)


# Based on KeyboardInterrupt because asyncio lets only that and SystemExit out of its loop.
class TaskTimeout(KeyboardInterrupt):
    """The call ran longer than it may."""


def call_within(seconds: float, call: Callable[[], T]) -> T:
    """Return what `call` returns, or raise TaskTimeout once `seconds` have passed.

    A call that swallows the exception and returns all the same has still timed out.
    """
    alarm = _Alarm()
    signal.signal(signal.SIGALRM, alarm.ring)
    note_deadline(seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        value = call()
    finally:
        alarm.armed = False  # first: a signal that is already on its way does nothing from here on
        signal.setitimer(signal.ITIMER_REAL, 0)
        note_deadline(0)
    if alarm.rang:
        raise TaskTimeout
    return value


class _Alarm:
    def __init__(self) -> None:
        self.armed = True
        self.rang = False

    def ring(self, _signal: int, _frame: FrameType | None) -> None:
        if self.armed:
            self.armed = False
            self.rang = True
            raise TaskTimeout
