"""Connections to SQLite: a journal that is safe for its version, durable commits, its own lock."""

import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from api.recording import encoded_json

WAL_IS_SAFE_FROM = (3, 51, 3)  # before it, a reset of the log could corrupt: sqlite.org/wal.html
SCHEMA_WAIT_MS = 600_000  # for another process that changes tables
_SYNC = "trueline_sync"  # whether a connection's commits are durable now; None: always


def sqlite_engine(url: URL, busy_timeout_ms: int) -> Engine:
    """Make an engine whose transactions read, or write when their options say so."""
    engine = create_engine(
        url,
        module=newest_sqlite(),
        connect_args={"timeout": busy_timeout_ms / 1000, "isolation_level": None},
        pool_use_lifo=True,  # the connection that was used last has its pages at hand
        hide_parameters=True,  # tokens of leases are among them, and errors are logged
        json_serializer=encoded_json,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def sqlite_schema_change(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that may change tables, on a connection that is used for nothing else.

    SQLite changes a table by a copy of it and drops the old one: with foreign keys on, that would
    delete every row that refers to it, and in a transaction they can't be switched off any more.
    """
    with engine.connect() as connection:
        connection.execution_options(trueline_write=True)
        raw: Any = connection.connection.driver_connection
        for pragma in ("foreign_keys=OFF", f"busy_timeout={SCHEMA_WAIT_MS}"):
            raw.execute(f"PRAGMA {pragma}")
        try:
            with connection.begin():
                yield connection
        finally:
            connection.invalidate()


def newest_sqlite() -> ModuleType:
    """Return pysqlite3, which brings an SQLite of its own, where Python's is too old for WAL."""
    if sqlite3.sqlite_version_info >= WAL_IS_SAFE_FROM:
        return sqlite3
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3


def _prepare(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
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


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes, durable = options.get("trueline_write", False), options.get("trueline_durable", True)
    if writes and connection.info[_SYNC] is not None and connection.info[_SYNC] != durable:
        _run(connection, f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.info[_SYNC] = durable
    _run(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")


def _run(connection: Connection, statement: str) -> None:
    """Have the driver run what returns nothing: by way of SQLAlchemy it takes ten times as long."""
    raw: Any = connection.connection.dbapi_connection
    driver = connection.dialect.loaded_dbapi
    try:
        raw.execute(statement)
    except driver.Error as error:
        raise DBAPIError.instance(statement, None, error, driver.Error) from error
