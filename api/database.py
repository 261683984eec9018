"""The API's database: one engine, short transactions, safe SQLite."""

import importlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from api.facts import Facts, take_facts
from api.recording import encoded_json
from utils.errors import SettingsError

BUSY_TIMEOUT_MS = 5_000
_SYNC = "trueline_sync"  # whether a connection's commits are durable now; None: always
WAL_IS_SAFE_FROM = (3, 51, 3)  # before it, a reset of the log could corrupt: sqlite.org/wal.html


class Database:
    """Hands out transactions. `write` takes SQLite's write lock at once, so it never deadlocks."""

    def __init__(self, url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self._busy_seconds = busy_timeout_ms / 1000
        self._writing = threading.Lock()
        self.facts = Facts()
        try:
            self.engine = _make_engine(url, busy_timeout_ms)
        except (ArgumentError, ModuleNotFoundError) as error:
            raise SettingsError(
                "setting TRUELINE_DATABASE_URL: this is not the URL of a database that can be used"
                " here",
                "give it as postgresql+psycopg://user@host/name with psycopg installed, or unset it"
                " for SQLite in the data directory",
            ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Open a transaction that may write; commits at the end, rolls back on an error.

        One that is not `durable` survives the end of this process, but perhaps not the machine's;
        with a later one that is, it survives that too.
        """
        with self._write(durable=durable) as connection:
            take_facts(connection)  # of a transaction that was rolled back
            yield connection
            facts = take_facts(connection)
        self.facts.tell(facts)

    @contextmanager
    def _write(self, *, durable: bool) -> Iterator[Connection]:
        if self.engine.dialect.name != "sqlite":
            with self.engine.connect() as connection, connection.begin():
                if not durable and connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                yield connection
            return
        with self._turn(), self.engine.connect() as connection:
            connection.execution_options(trueline_write=True, trueline_durable=durable)
            with connection.begin():
                yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let this process's writers wait here: SQLite would have each sleep and look again."""
        is_ours = self._writing.acquire(timeout=self._busy_seconds)
        try:
            yield  # if it is not, SQLite says that the database is locked
        finally:
            if is_ours:
                self._writing.release()

    def close(self) -> None:
        """Give every connection back to the system."""
        self.engine.dispose()


def _make_engine(url: str, busy_timeout_ms: int) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=20,
            hide_parameters=True,
            json_serializer=encoded_json,
        )
    engine = create_engine(
        url,
        module=_newest_sqlite(),
        connect_args={"timeout": busy_timeout_ms / 1000, "isolation_level": None},
        pool_use_lifo=True,  # the connection that was used last has its pages at hand
        hide_parameters=True,  # tokens of leases are among them, and errors are logged
        json_serializer=encoded_json,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _newest_sqlite() -> ModuleType:
    """Return pysqlite3, which brings an SQLite of its own, where Python's is too old for WAL."""
    if sqlite3.sqlite_version_info >= WAL_IS_SAFE_FROM:
        return sqlite3
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    (version,) = cursor.execute("SELECT sqlite_version()").fetchone()
    is_safe = tuple(map(int, version.split("."))) >= WAL_IS_SAFE_FROM
    for pragma in (
        f"journal_mode={'WAL' if is_safe else 'TRUNCATE'}",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    record.info[_SYNC] = cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",) or None
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes, durable = options.get("trueline_write", False), options.get("trueline_durable", True)
    if writes and connection.info[_SYNC] is not None and connection.info[_SYNC] != durable:
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.info[_SYNC] = durable
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
