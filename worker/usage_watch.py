"""Watches how much a job uses of something, without taking a noticeable part of a processor."""

import time
from collections.abc import Callable

from worker.child_ends import Cause

LOOK_SECONDS = 0.5
LEISURE = 20  # a look that took a second is followed by so many without one


class UsageWatch:
    """Looks as often as it costs little; `cause` is why a job over its limit is ended."""

    def __init__(self, used_bytes: Callable[[], int], limit_bytes: int, cause: Cause) -> None:
        self.cause = cause
        self._used_bytes = used_bytes
        self._limit_bytes = limit_bytes
        self.next_look_at = time.monotonic() + LOOK_SECONDS

    def is_exceeded(self, now: float) -> bool:
        """Look, where it is time to; whether more is used than may be."""
        if now < self.next_look_at:
            return False
        began = time.monotonic()
        size_bytes = self._used_bytes()
        ended = time.monotonic()
        self.next_look_at = ended + max(LOOK_SECONDS, (ended - began) * LEISURE)
        return size_bytes > self._limit_bytes
