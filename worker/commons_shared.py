"""What the jobs of one machine share: token buckets and claims in memory, values in a file."""

import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog

from utils.token_bucket import OwnBuckets, Pace
from worker.commons_file import FileCache, Whose

MOST_BUCKETS = 200  # that one integration may have named; the one named longest ago goes first
MOST_CLAIMS = 1000  # of one integration at once

log = structlog.get_logger()


class Shared(Protocol):
    """Where requests of jobs end up."""

    async def reserve(self, whose: Whose, name: str, pace: Pace, longest: float) -> float | None:
        """Return the seconds until a token is there, or None."""

    async def get(self, whose: Whose, key: str) -> str | None:
        """Return a value that has not expired."""

    async def set(self, whose: Whose, key: str, value: str, ttl_seconds: float) -> bool:
        """Keep a value; False when it cannot be kept."""

    async def keys(self, whose: Whose, after: str) -> list[str]:
        """Return the next keys in their order."""

    async def drop(self, whose: Whose, keys: list[str]) -> int:
        """Forget keys; return how many were there."""

    async def claim(self, whose: Whose, key: str, seconds: float) -> str | None:
        """Return a token when nobody else computes this key now."""

    async def release(self, whose: Whose, key: str, token: str) -> None:
        """Give a claim back, where it is still one's own."""


class _Claim(NamedTuple):
    token: str
    ends_at: float


class MachineShared:
    """For one machine. Buckets and claims begin anew with its process; values outlive it."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._cache = FileCache.open(path, clock)
        self._buckets = OwnBuckets(clock)
        self._named: dict[str, dict[str, None]] = {}  # by integration, in the order of their use
        self._claims: dict[str, dict[tuple[str, str], _Claim]] = {}

    async def reserve(self, whose: Whose, name: str, pace: Pace, longest: float) -> float | None:
        """Return the seconds until a token is there, or None."""
        named = self._named.setdefault(whose.integration, {})
        named.pop(name, None)
        named[name] = None
        if len(named) > MOST_BUCKETS:
            self._forget_oldest(named)
        return self._buckets.reserve(name, pace, longest)

    async def get(self, whose: Whose, key: str) -> str | None:
        """Return a value that has not expired."""
        try:
            return self._cache.get(whose, key)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            return None

    async def set(self, whose: Whose, key: str, value: str, ttl_seconds: float) -> bool:
        """Keep a value; False when it cannot be kept."""
        try:
            return self._cache.set(whose, key, value, ttl_seconds)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            return False

    async def keys(self, whose: Whose, after: str) -> list[str]:
        """Return the next keys in their order."""
        try:
            return self._cache.keys(whose, after)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            return []

    async def drop(self, whose: Whose, keys: list[str]) -> int:
        """Forget keys; return how many were there."""
        try:
            return self._cache.drop(whose, keys)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
            return 0

    async def claim(self, whose: Whose, key: str, seconds: float) -> str | None:
        """Return a token when nobody else computes this key now."""
        claims, now = self._claims.setdefault(whose.integration, {}), self._clock()
        place = (whose.scope, key)
        if place in claims and claims[place].ends_at > now:
            return None
        claims.pop(place, None)
        if len(claims) >= MOST_CLAIMS:
            del claims[next(iter(claims))]
        token = secrets.token_hex(8)
        claims[place] = _Claim(token, now + seconds)
        return token

    async def release(self, whose: Whose, key: str, token: str) -> None:
        """Give a claim back, where it is still one's own."""
        claims = self._claims.get(whose.integration, {})
        held = claims.get((whose.scope, key))
        if held is not None and held.token == token:
            del claims[whose.scope, key]

    def close(self) -> None:
        """Close the file."""
        self._cache.close()

    def _forget_oldest(self, named: dict[str, None]) -> None:
        oldest = next(iter(named))
        del named[oldest]
        if not any(oldest in others for others in self._named.values()):
            self._buckets.forget(oldest)

    def _begin_anew(self, error: Exception) -> None:
        log.warning("shared cache begun anew", reason=str(error), advice="look at the disk")
        self._cache.close()
        self._path.unlink(missing_ok=True)
        self._cache = FileCache.open(self._path, self._clock)
