"""Connections to SQLite: a journal that is safe for its version, durable commits, its own lock."""

import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from api.recording import encoded_json

WAL_IS_SAFE_FROM = (3, 51, 3)  # before it, a reset of the log could corrupt: sqlite.org/wal.html
SCHEMA_WAIT_MS = 600_000  # for another process that changes tables
_WRITES = "trueline_writes"  # whether the transaction to come is durable; not there: it reads
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
    # No event `begin`: with one, SQLAlchemy looks at each statement whom else it has to tell.
    engine.dialect.do_begin = _begin  # type: ignore[assignment]  # the dialect is this engine's own
    return engine


def write_next(connection: Connection, *, durable: bool = True) -> None:
    """Let the next transaction of a connection be one that writes."""
    connection.info[_WRITES] = durable


@contextmanager
def sqlite_schema_change(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that may change tables, on a connection that is used for nothing else.

    SQLite changes a table by a copy of it and drops the old one: with foreign keys on, that would
    delete every row that refers to it, and in a transaction they can't be switched off any more.
    """
    with engine.connect() as connection:
        write_next(connection)
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


def _begin(connection: PoolProxiedConnection) -> None:
    raw: Any = connection.dbapi_connection
    durable = connection.info.pop(_WRITES, None)
    if durable is None:
        raw.execute("BEGIN")
        return
    if connection.info[_SYNC] is not None and connection.info[_SYNC] != durable:
        raw.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.info[_SYNC] = durable
    raw.execute("BEGIN IMMEDIATE")
