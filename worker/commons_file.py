"""The shared cache on disk: values of many integrations in one SQLite file, each with its room.

Its process is the only one that opens it. It is a cache: a file that is damaged is begun anew.
"""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from utils.cache_stores import make_private

MOST_BYTES = 16 * 1024 * 1024  # of the values of one integration; what ends soonest goes first
MOST_KEYS = 10_000  # of one integration
MOST_FILE_BYTES = 1024 * 1024 * 1024
KEYS_AT_ONCE = 1000
_PAGE_BYTES = 4096
_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (
    integration TEXT, scope TEXT, key TEXT, value TEXT, size_bytes INTEGER, ends_at REAL,
    PRIMARY KEY (integration, scope, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_end ON kept (integration, ends_at);
"""


class Whose(NamedTuple):
    """Whose values: an integration's, and in it those with the same config."""

    integration: str
    scope: str


class _Total(NamedTuple):
    size_bytes: int
    keys: int


class FileCache:
    """Values by integration, scope and key."""

    def __init__(self, database: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        rows = database.execute(
            "SELECT integration, SUM(size_bytes), COUNT(*) FROM kept GROUP BY integration"
        )
        self._totals = {name: _Total(size, keys) for name, size, keys in rows}

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float] = time.time) -> Self:
        """Open the file, a new one where it is damaged."""
        try:
            return cls(_opened(path), clock)
        except sqlite3.DatabaseError:
            for end in ("", "-journal"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            return cls(_opened(path), clock)

    def get(self, whose: Whose, key: str) -> str | None:
        """Return a value that has not expired."""
        query = "SELECT value FROM kept WHERE integration=? AND scope=? AND key=? AND ends_at>?"
        row = self._database.execute(query, (*whose, key, self._clock())).fetchone()
        return None if row is None else str(row[0])

    def set(self, whose: Whose, key: str, value: str, ttl_seconds: float) -> bool:
        """Keep a value, and make room for it; False when it cannot be kept."""
        self.drop(whose, [key])
        size_bytes = len(value.encode("utf-8", "surrogatepass"))
        if size_bytes > MOST_BYTES:
            return False
        row = (*whose, key, value, size_bytes, self._clock() + ttl_seconds)
        self._make_room(whose.integration, size_bytes)
        try:
            self._database.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?)", row)
        except (sqlite3.DatabaseError, UnicodeEncodeError):  # the disk or the file is full
            return False
        self._count(whose.integration, size_bytes, 1)
        return True

    def keys(self, whose: Whose, after: str) -> list[str]:
        """Return the next keys in their order."""
        query = (
            "SELECT key FROM kept WHERE integration=? AND scope=? AND key>? ORDER BY key LIMIT ?"
        )
        return [row[0] for row in self._database.execute(query, (*whose, after, KEYS_AT_ONCE))]

    def drop(self, whose: Whose, keys: list[str]) -> int:
        """Forget keys; return how many were there."""
        dropped = 0
        for key in keys:
            dropped += self._remove(whose.integration, whose.scope, key)
        return dropped

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _make_room(self, integration: str, size_bytes: int) -> None:
        total = self._totals.get(integration, _Total(0, 0))
        if total.keys == 0:
            return
        query = "SELECT scope, key FROM kept WHERE integration=? ORDER BY ends_at LIMIT 1"
        while True:
            total = self._totals[integration]
            if total.keys < MOST_KEYS and total.size_bytes + size_bytes <= MOST_BYTES:
                return
            self._remove(integration, *self._database.execute(query, (integration,)).fetchone())

    def _remove(self, integration: str, scope: str, key: str) -> bool:
        statement = (
            "DELETE FROM kept WHERE integration=? AND scope=? AND key=? RETURNING size_bytes"
        )
        row = self._database.execute(statement, (integration, scope, key)).fetchone()
        if row is not None:
            self._count(integration, -row[0], -1)
        return row is not None

    def _count(self, integration: str, size_bytes: int, keys: int) -> None:
        total = self._totals.get(integration, _Total(0, 0))
        self._totals[integration] = _Total(total.size_bytes + size_bytes, total.keys + keys)


def _opened(path: Path) -> sqlite3.Connection:
    make_private(path)
    database = sqlite3.connect(path, isolation_level=None)
    try:
        # What a crash of the machine damages is begun anew, so nothing is waited for.
        database.execute("PRAGMA journal_mode=TRUNCATE")
        database.execute("PRAGMA synchronous=OFF")
        database.execute("PRAGMA secure_delete=ON")
        database.execute(f"PRAGMA max_page_count={MOST_FILE_BYTES // _PAGE_BYTES}")
        database.executescript(_SCHEMA)
    except BaseException:
        database.close()
        raise
    return database
