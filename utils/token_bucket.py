"""Token buckets: how often a remote may be asked with one credential."""

import hashlib
import time
from _thread import allocate_lock
from collections.abc import Callable
from typing import NamedTuple, Protocol

from utils.integration_errors import IntegrationRateLimited

CAPACITY = 20.0
REFILL_PER_SECOND = 1.0
LONGEST_WAIT_SECONDS = 30.0
MOST_BUCKETS = 10_000


class Pace(NamedTuple):
    """So many requests at once, then so many a second."""

    capacity: float = CAPACITY
    refill_per_second: float = REFILL_PER_SECOND


class Level(NamedTuple):
    """What a bucket held at a time; below zero, tokens are promised that are yet to come."""

    tokens: float
    at: float


class Buckets(Protocol):
    """Where buckets are kept by name."""

    def reserve(self, name: str, pace: Pace, longest_seconds: float) -> float | None:
        """Return the seconds until a token is there; None, and none taken, if that is too long."""


def reserved(
    level: Level | None, pace: Pace, now: float, longest_seconds: float
) -> tuple[Level, float | None]:
    """Return what a bucket holds once a token is taken, and how long to wait for that token."""
    tokens = pace.capacity
    if level is not None:  # a clock that was set back refills nothing
        refilled = level.tokens + max(0.0, now - level.at) * pace.refill_per_second
        tokens = min(pace.capacity, refilled)
    wait = max(0.0, (1 - tokens) / pace.refill_per_second)
    if wait > longest_seconds:
        return Level(tokens, now), None
    return Level(tokens - 1, now), wait


def bucket_name(origin: str, credential: str) -> str:
    """Name the bucket of a remote and a credential; the name tells neither."""
    return hashlib.sha256(f"{origin}\0{credential}".encode()).hexdigest()


class OwnBuckets:
    """Buckets of this process, safe from threads; those that are full again are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = allocate_lock()
        self._kept: dict[str, tuple[Pace, Level]] = {}

    def reserve(self, name: str, pace: Pace, longest_seconds: float) -> float | None:
        """Return the seconds until a token is there, or None."""
        with self._lock:
            now = self._clock()
            if len(self._kept) >= MOST_BUCKETS:
                self._forget(now)
            _, level = self._kept.pop(name, (pace, None))
            level, wait = reserved(level, pace, now, longest_seconds)
            self._kept[name] = pace, level
        return wait

    def forget(self, name: str) -> None:
        """Let a bucket be full again, as it was before it was first used."""
        with self._lock:
            self._kept.pop(name, None)

    def _forget(self, now: float) -> None:
        for name, (pace, level) in tuple(self._kept.items()):
            if level.tokens + (now - level.at) * pace.refill_per_second >= pace.capacity:
                del self._kept[name]
        while len(self._kept) >= MOST_BUCKETS:  # the one that was asked for longest ago
            del self._kept[next(iter(self._kept))]


class TokenBucket:
    """One bucket: of its own, or the one of this name in `buckets`, shared with whoever asks there.

    >>> bucket = TokenBucket(Pace(capacity=5, refill_per_second=0.5))
    >>> bucket.acquire()
    """

    def __init__(
        self, pace: Pace | None = None, name: str = "", buckets: Buckets | None = None
    ) -> None:
        self._pace = pace or Pace()
        if self._pace.capacity < 1 or self._pace.refill_per_second <= 0:
            raise ValueError(f"{self._pace}: a bucket holds 1 token or more, and is refilled")
        self._name = name
        self._buckets = buckets or OwnBuckets()

    def reserve(self, longest_seconds: float) -> float | None:
        """Take a token and return the seconds until it may be used; None when that is too long."""
        return self._buckets.reserve(self._name, self._pace, longest_seconds)

    def acquire(
        self,
        longest_seconds: float = LONGEST_WAIT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Wait for a token; raises IntegrationRateLimited when it would take too long."""
        wait = self.reserve(longest_seconds)
        if wait is None:
            raise IntegrationRateLimited(
                f"our own rate limit lets nothing through within {longest_seconds:g} s",
                "run fewer jobs with these credentials at once, or raise the limit",
                retry_after=longest_seconds,
            )
        if wait > 0:
            sleep(wait)
