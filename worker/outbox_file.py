"""The outbox's file: opened safely, or set aside when it cannot be read."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import structlog

from worker.errors import WorkerError

FORMAT = 1
log = structlog.get_logger()

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL, attempt INTEGER NOT NULL, token TEXT NOT NULL, seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  size INTEGER NOT NULL, stored_at REAL NOT NULL, payload TEXT NOT NULL,
  UNIQUE (job_id, attempt, seq)
)
"""


class OutboxError(WorkerError):
    """The outbox cannot keep a report."""


def open_outbox_file(path: Path) -> sqlite3.Connection:
    """Open the file, made where it is missing; one that is damaged is set aside, never deleted."""
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise OutboxError(
                f"outbox {path} cannot be opened: {error}",
                "make the data directory writable and free some room on its disk",
            ) from error
        _set_aside(path, str(error))
        return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600, exist_ok=True)  # tokens stand in it
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        _check_soundness(connection)
        _check_format(path, connection.execute("PRAGMA user_version").fetchone()[0])
        connection.execute("PRAGMA journal_mode=WAL")  # safe: this is its only connection
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA user_version={FORMAT}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_soundness(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _check_format(path: Path, found: int) -> None:
    if found not in {0, FORMAT}:
        raise OutboxError(
            f"outbox {path} was written by another version (format {found}, this one reads"
            f" {FORMAT})",
            "run the version that wrote it until its reports are sent, or move the file away",
        )


def _set_aside(path: Path, reason: str) -> None:
    mark = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}.damaged-{mark}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    log.error(
        "outbox set aside",
        reason=f"{path} is damaged: {reason}",
        kept_as=str(aside),
        advice="nothing to do: the jobs whose reports were in it run again when their leases end",
    )
