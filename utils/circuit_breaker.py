"""A circuit breaker: stops asking a system that is down, and tries it again after a while."""

import time
from collections.abc import Callable
from threading import Lock

from utils.integration_errors import IntegrationTemporaryError


class CircuitBreaker:
    """Opens after so many failures in a row; safe to share between threads and clients.

    Open, it lets nothing through. After `reset_seconds` it lets one attempt through: when that
    works it closes, otherwise it stays open as long again.
    """

    def __init__(
        self,
        failures: int = 5,
        reset_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._reset_seconds = reset_seconds
        self._clock = clock
        self._lock = Lock()
        self._failed = 0
        self._open_until: float | None = None  # None: it is closed, requests go through

    def check(self) -> None:
        """Raise IntegrationTemporaryError when nothing may be sent now."""
        with self._lock:
            if self._open_until is None:
                return
            left = self._open_until - self._clock()
            if left <= 0:
                # This one is the trial; those beside it wait for its outcome.
                self._open_until = self._clock() + self._reset_seconds
                return
        raise IntegrationTemporaryError(
            f"it failed {self._failed} times in a row and is left alone for {left:.0f} s more",
            "see whether it is up; it is tried again by itself",
        )

    def note(self, *, worked: bool) -> None:
        """Take in how an attempt ended."""
        with self._lock:
            self._failed = 0 if worked else self._failed + 1
            if worked:
                self._open_until = None
            elif self._failed >= self._most:
                self._open_until = self._clock() + self._reset_seconds
