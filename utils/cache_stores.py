"""Where a cache may keep its values: in this process, or in a file that processes share."""

import fnmatch
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple

MOST_CHARACTERS = 16 * 1024 * 1024  # of all values in one process; the oldest go first
BUSY_SECONDS = 10.0
MOST_KEYS = 100_000
WAL_IS_SAFE_FROM = (3, 51, 3)  # before it, a reset of the log could corrupt: sqlite.org/wal.html
_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT, ends_at REAL);
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, token TEXT, ends_at REAL);
"""


def make_private(path: Path) -> None:
    """Make a file that its user alone can read; SQLite gives its journal the same mode."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return how a file that several connections share keeps its journal."""
    return "WAL" if version >= WAL_IS_SAFE_FROM else "TRUNCATE"


class _Kept(NamedTuple):
    text: str
    ends_at: float


class MemoryStore:
    """Values of this process, bounded, safe from threads."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most_characters: int = MOST_CHARACTERS
    ) -> None:
        self._clock = clock
        self._most = most_characters
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}
        self._claims: dict[str, _Kept] = {}
        self._size = 0

    def get(self, key: str) -> str | None:
        """Return a value that has not expired."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or found.ends_at > self._clock():
                return found.text if found else None
            self._forget(key)
        return None

    def set(self, key: str, value: str, ttl_seconds: float) -> None:
        """Keep a value; the oldest make room for it."""
        with self._lock:
            self._forget(key)
            self._kept[key] = _Kept(value, self._clock() + ttl_seconds)
            self._size += len(value)
            while self._size > self._most or len(self._kept) > MOST_KEYS:
                self._forget(next(iter(self._kept)))

    def drop(self, pattern: str) -> int:
        """Forget each key that a pattern means."""
        with self._lock:
            meant = [key for key in self._kept if fnmatch.fnmatchcase(key, pattern)]
            for key in meant:
                self._forget(key)
        return len(meant)

    def claim(self, key: str, seconds: float) -> str | None:
        """Return a token when nobody else computes this key now."""
        with self._lock:
            held, now = self._claims.get(key), self._clock()
            if held is not None and held.ends_at > now:
                return None
            token = secrets.token_hex(8)
            self._claims[key] = _Kept(token, now + seconds)
        return token

    def release(self, key: str, token: str) -> None:
        """Give a claim back, where it is still one's own."""
        with self._lock:
            held = self._claims.get(key)
            if held is not None and held.text == token:
                del self._claims[key]

    def _forget(self, key: str) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._size -= len(found.text)


class FileStore:
    """Values in an SQLite file, shared by all processes that open it; opened for each call.

    A connection must not be used across a fork, and a job makes few calls.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private(path)
        with self._opened() as database:
            database.execute(f"PRAGMA journal_mode={journal_mode()}")
            database.executescript(_SCHEMA)

    def get(self, key: str) -> str | None:
        """Return a value that has not expired."""
        query = "SELECT value FROM kept WHERE key = ? AND ends_at > ?"
        with self._opened() as database:
            found = database.execute(query, (key, self._clock())).fetchone()
        return None if found is None else str(found[0])

    def set(self, key: str, value: str, ttl_seconds: float) -> None:
        """Keep a value; what has expired makes room."""
        now = self._clock()
        with self._opened() as database:
            for table in ("kept", "claims"):
                database.execute(f"DELETE FROM {table} WHERE ends_at <= ?", (now,))  # noqa: S608 - names of ours
            row = (key, value, now + ttl_seconds)
            database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", row)

    def drop(self, pattern: str) -> int:
        """Forget each key that a pattern means."""
        with self._opened() as database:
            return database.execute("DELETE FROM kept WHERE key GLOB ?", (pattern,)).rowcount

    def claim(self, key: str, seconds: float) -> str | None:
        """Return a token when nobody else computes this key now, in any process."""
        token, now = secrets.token_hex(8), self._clock()
        statement = (
            "INSERT INTO claims VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE"
            " SET token = excluded.token, ends_at = excluded.ends_at WHERE ends_at <= ?"
        )
        with self._opened() as database:
            taken = database.execute(statement, (key, token, now + seconds, now)).rowcount
        return token if taken else None

    def release(self, key: str, token: str) -> None:
        """Give a claim back, where it is still one's own."""
        with self._opened() as database:
            database.execute("DELETE FROM claims WHERE key = ? AND token = ?", (key, token))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as database, database:
            yield database
