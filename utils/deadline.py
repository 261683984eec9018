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


class Deadline:
    """When one call has to end. Threads that the call starts may know it, and so be told."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False  # the call has ended: its time is no other's
        self._ends_at = time.monotonic() + seconds

    def seconds_left(self) -> float | None:
        """Return how long the call may still take; None where it is over."""
        return None if self.is_over else max(0.0, self._ends_at - time.monotonic())


# Of the call that this context belongs to: each thread and each asynchronous task has its own.
_CURRENT: ContextVar[Deadline | None] = ContextVar("trueline_deadline", default=None)


def current_deadline() -> Deadline | None:
    """Return the deadline of the running call; None where it has none, or in another thread."""
    return _CURRENT.get()


def seconds_left(known: Deadline | None = None) -> float | None:
    """Return how long the running call may still take; None where it has no deadline.

    In a thread that belongs to no call it is told by the deadline that is `known` there.
    """
    own = _CURRENT.get()
    left = own.seconds_left() if own else None
    return known.seconds_left() if left is None and known else left


def note_deadline(seconds: float) -> Deadline | None:
    """Let `seconds_left` tell of a deadline in so many seconds; 0: there is none."""
    deadline = Deadline(seconds) if seconds else None
    _CURRENT.set(deadline)
    return deadline


def end_deadline(deadline: Deadline | None) -> None:
    """Let nobody be told of the deadline of a call that is over."""
    if deadline is not None:
        deadline.is_over = True
    _CURRENT.set(None)


# Based on KeyboardInterrupt because asyncio lets only that and SystemExit out of its loop.
class TaskTimeout(KeyboardInterrupt):
    """The call ran longer than it may."""


def call_within(seconds: float, call: Callable[[], T]) -> T:
    """Return what `call` returns, or raise TaskTimeout once `seconds` have passed.

    A call that swallows the exception and returns all the same has still timed out.
    """
    alarm = _Alarm()
    signal.signal(signal.SIGALRM, alarm.ring)
    deadline = note_deadline(seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        value = call()
    finally:
        alarm.armed = False  # first: a signal that is already on its way does nothing from here on
        signal.setitimer(signal.ITIMER_REAL, 0)
        end_deadline(deadline)
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
