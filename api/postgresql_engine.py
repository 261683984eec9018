"""Connections to PostgreSQL: psycopg 3, UTC, and an end to every wait."""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from api.recording import encoded_json

DRIVER = "postgresql+psycopg"
NAMES = frozenset({"postgresql", "postgres", DRIVER})  # what operators write; all mean the same
CONNECTIONS = 30  # of one API process at most
STATEMENT_SECONDS = 60
IDLE_SECONDS = 60  # in a transaction: a process that was stopped must not keep its locks
_DEFAULTS = {  # what the URL says itself goes first
    "application_name": "trueline",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def postgresql_engine(url: URL, busy_timeout_ms: int) -> Engine:
    """Make an engine whose connections wait for a lock no longer than that."""
    given: dict[str, Any] = {k: v for k, v in _DEFAULTS.items() if k not in url.query}
    engine = create_engine(
        url.set(drivername=DRIVER),
        connect_args=given,
        pool_pre_ping=True,  # a server that was started again is noticed before a statement fails
        pool_size=10,
        max_overflow=CONNECTIONS - 10,
        pool_timeout=busy_timeout_ms / 1000,
        pool_use_lifo=True,
        hide_parameters=True,  # tokens of leases are among them, and errors are logged
        json_serializer=encoded_json,
    )
    session = {
        "TimeZone": "'UTC'",
        "lock_timeout": str(busy_timeout_ms),
        "statement_timeout": str(STATEMENT_SECONDS * 1000),
        "idle_in_transaction_session_timeout": str(IDLE_SECONDS * 1000),
        "default_transaction_isolation": "'read committed'",
    }
    statement = "; ".join(f"SET {name} TO {value}" for name, value in session.items())

    def prepare(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        del record
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()

    event.listen(engine, "connect", prepare)
    return engine
