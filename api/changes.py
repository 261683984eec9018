"""Notices what other processes commit, so that requests that wait in this one look again."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from api.database import Database
from api.database_use import Neighbours
from api.jobs import JobStatus
from api.wakeups import WORK, Changes, Kind, Topic

if TYPE_CHECKING:
    from psycopg import Notify  # costs an API on SQLite a tenth of a second at its start

CHANNEL = "trueline_jobs"  # triggers of the tables notify on it; see migrations/
LOOK_SECONDS = 0.02  # between two looks at SQLite's counter
REST_SECONDS = 0.05  # after a change: a process that writes itself changes it all the time
LONE_REST_SECONDS = 0.25  # where every change is this process's own, which wakes by itself
POLL_SECONDS = 0.25  # without a word from PostgreSQL: for what its triggers do not tell


def changes_of(database: Database, processes: int) -> Changes:
    """Return what notices the commits of others in this database, one of `processes` that serve."""
    if database.engine.dialect.name == "sqlite":
        return SqliteChanges(database, is_one=processes == 1)
    return PostgresChanges(database)


class SqliteChanges:
    """Reads a counter that SQLite keeps for each connection; it costs some microseconds.

    See `PRAGMA data_version`: it counts the commits of every connection but this one.
    """

    def __init__(
        self,
        database: Database,
        look_seconds: float = LOOK_SECONDS,
        *,
        is_one: bool = False,
    ) -> None:
        self._database = database
        self._look_seconds = look_seconds
        self._is_one = is_one  # of the processes of its API; another API may serve beside it
        self._neighbours = Neighbours(database)  # from now on: also while nobody waits here
        self._connection: PoolProxiedConnection | None = None
        self._version: int | None = None
        self._rests_until = 0.0

    def wait(self, timeout_seconds: float = POLL_SECONDS) -> Collection[Topic] | None:
        """Wait for a commit: None says that anything may have changed, nothing that none came."""
        time.sleep(max(self._rests_until - time.monotonic(), 0.0))
        end = time.monotonic() + timeout_seconds
        try:
            while (version := self._read_version()) == self._version:
                if time.monotonic() >= end:
                    return ()
                time.sleep(self._look_seconds)
        except (DBAPIError, self._database.engine.dialect.loaded_dbapi.Error):
            self.close()
            time.sleep(self._look_seconds)
            return None
        self._version = version
        is_alone = self._is_one and not self._neighbours.are_there()
        self._rests_until = time.monotonic() + (LONE_REST_SECONDS if is_alone else REST_SECONDS)
        return None

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        connection, self._connection, self._version = self._connection, None, None
        if connection is not None:
            connection.close()

    def _read_version(self) -> int:
        if self._connection is None:
            self._connection = _own_connection(self._database)
        cursor = self._connection.cursor()
        cursor.execute("PRAGMA data_version")
        (version,) = cursor.fetchall()[0]
        cursor.close()
        return int(version)


class PostgresChanges:
    """Listens to what the triggers of `jobs` notify within the transaction that changes a job.

    What this process has done itself is left out: whoever did it wakes those who wait here.
    """

    def __init__(self, database: Database, poll_seconds: float = POLL_SECONDS) -> None:
        self._database = database
        self._poll_seconds = poll_seconds
        self._connection: PoolProxiedConnection | None = None
        self._own_pids: dict[ConnectionPoolEntry, int] = {}  # while they are connected
        event.listen(database.engine, "checkout", self._note_own)
        for end in ("close", "detach"):
            event.listen(database.engine, end, self._forget_own)

    def wait(self) -> Collection[Topic] | None:
        """Wait for a notification; None says that anything may have changed."""
        try:
            if self._connection is None:
                self._listen()
                return None  # what happened before this is not told
            driver: Any = self._connection.dbapi_connection
            heard = list(driver.notifies(timeout=self._poll_seconds, stop_after=1))
        except (DBAPIError, self._database.engine.dialect.loaded_dbapi.Error):
            self.close()
            time.sleep(self._poll_seconds)
            return None
        if not heard:
            return None
        return {topic for notify in heard for topic in self._topics_of(notify)}

    def close(self) -> None:
        """Stop listening; the next wait begins again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _listen(self) -> None:
        self._connection = _own_connection(self._database)
        driver: Any = self._connection.dbapi_connection
        driver.rollback()
        driver.autocommit = True
        driver.execute(f"LISTEN {CHANNEL}")

    def _note_own(self, connection: Any, entry: ConnectionPoolEntry, *_: object) -> None:
        self._own_pids[entry] = connection.info.backend_pid

    def _forget_own(self, _: object, entry: ConnectionPoolEntry) -> None:
        self._own_pids.pop(entry, None)  # the server may give its number to another process

    def _topics_of(self, notify: "Notify") -> tuple[Topic, ...]:
        if notify.pid in list(self._own_pids.values()):
            return ()
        status, _, job_id = notify.payload.partition(" ")
        if status == JobStatus.PENDING:
            return WORK, Topic(Kind.HISTORY, job_id)
        return Topic(Kind.END, job_id), Topic(Kind.HISTORY, job_id)


def _own_connection(database: Database) -> PoolProxiedConnection:
    """Open a connection beside the pool."""
    connection = database.engine.raw_connection()
    connection.detach()
    return connection
