"""The API's database: one engine, short transactions, safe SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from api.recording import encoded_json
from utils.errors import SettingsError

BUSY_TIMEOUT_MS = 5_000
WAL_IS_SAFE_FROM = (3, 51, 3)  # before it, a reset of the log could corrupt: sqlite.org/wal.html


class Database:
    """Hands out transactions. `write` takes SQLite's write lock at once, so it never deadlocks."""

    def __init__(self, url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
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
    def write(self) -> Iterator[Connection]:
        """Open a transaction that may write; commits at the end, rolls back on an error."""
        with self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.execution_options(trueline_write=True)
            with connection.begin():
                yield connection

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
        connect_args={"timeout": busy_timeout_ms / 1000, "isolation_level": None},
        hide_parameters=True,  # tokens of leases are among them, and errors are logged
        json_serializer=encoded_json,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    journal = "WAL" if sqlite3.sqlite_version_info >= WAL_IS_SAFE_FROM else "TRUNCATE"
    cursor = connection.cursor()
    for pragma in (
        f"journal_mode={journal}",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("trueline_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
