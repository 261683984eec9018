"""The API's database: one engine, short transactions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from api.facts import Facts, take_facts
from api.joined_writes import JoinedWrites
from api.postgresql_engine import NAMES, postgresql_engine
from api.sqlite_engine import sqlite_engine, write_next
from utils.errors import SettingsError

BUSY_TIMEOUT_MS = 5_000


class Database:
    """Hands out transactions. `write` takes SQLite's write lock at once, so it never deadlocks."""

    def __init__(self, url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self._busy_seconds = busy_timeout_ms / 1000
        self._writing = threading.Lock()
        self._witness: Callable[[Connection], None] = _look_away
        self._thread = threading.local()  # `joined`: the writes that are one
        self.facts = Facts()
        self.engine = _make_engine(url, busy_timeout_ms)

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def attend(self, witness: Callable[[Connection], None]) -> None:
        """Have `witness` called in each writing transaction, just before it commits."""
        self._witness = witness

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Open a transaction that may write; commits at the end, rolls back on an error.

        One that is not `durable` survives the end of this process, but perhaps not the machine's;
        with a later one that is, it survives that too. Within `joined` it is part of that one.
        """
        joined: JoinedWrites | None = getattr(self._thread, "joined", None)
        if joined is not None:
            with joined.part() as connection:
                yield connection
            return
        with self._write_told(durable=durable) as connection:
            yield connection

    @contextmanager
    def joined(self, begin: Callable[[Connection], None]) -> Iterator[None]:
        """Let all writes of this thread be one transaction, which commits at the end.

        It is opened by the first of them, after which `begin` is called.
        """
        with ExitStack() as stack:
            writes = JoinedWrites(
                lambda: stack.enter_context(self._write_told(durable=True)), begin
            )
            self._thread.joined = writes
            try:
                yield
            finally:
                self._thread.joined = None

    @contextmanager
    def _write_told(self, *, durable: bool) -> Iterator[Connection]:
        """Write, and tell the facts that came of it once they are recorded."""
        with self._write_alone(durable=durable) as connection:
            take_facts(connection)  # of a transaction that was rolled back
            yield connection
            facts = take_facts(connection)
        self.facts.tell(facts)

    @contextmanager
    def _write_alone(self, *, durable: bool) -> Iterator[Connection]:
        if self.engine.dialect.name != "sqlite":
            with self.engine.connect() as connection, connection.begin():
                if not durable and connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                yield connection
                self._witness(connection)
            return
        with self._turn(), self.engine.connect() as connection:
            write_next(connection, durable=durable)
            with connection.begin():
                yield connection
                self._witness(connection)

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


def _look_away(connection: Connection) -> None:
    """Witness nothing: outside of an app nobody keeps a log."""
    del connection


def _make_engine(text: str, busy_timeout_ms: int) -> Engine:
    try:
        url = make_url(text)
        if url.drivername in NAMES:
            return postgresql_engine(url, busy_timeout_ms)
        if url.get_backend_name() == "sqlite":
            return sqlite_engine(url, busy_timeout_ms)
    except (ArgumentError, ValueError):
        pass  # it may hold a password, and so might the error
    raise SettingsError(
        "setting TRUELINE_DATABASE_URL: this is not the URL of a database that can be used here",
        "give it as postgresql://user@host/name, or unset it for SQLite in the data directory",
    )
