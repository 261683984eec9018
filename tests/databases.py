"""The databases that tests run on: SQLite, and a PostgreSQL from its wheel, each fresh for a test.

`--database sqlite|postgresql|both` decides for all tests. Without it the tests of the API run on
both, and tests of the whole product on SQLite, but for those that are marked `both_databases`.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock
from sqlalchemy import Connection

from api.database import Database
from api.migrate import migrate
from tests.postgres import CONNECTIONS, TEMPLATE, PostgreSQL, end_own, reap

KINDS = ("sqlite", "postgresql")
DATA_LAYER = Path(__file__).parent / "api"


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Return a folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if _is_one_of_many(request.config) else base


@pytest.fixture(scope="session")
def postgresql(run_folder: Path, request: pytest.FixtureRequest) -> PostgreSQL:
    """Return one server for all test processes; the first that needs it starts it."""
    known = run_folder / "postgresql"
    with FileLock(f"{known}.lock"):
        if known.exists():
            return PostgreSQL.joined(Path(known.read_text()))
        reap()
        pid = os.getppid() if _is_one_of_many(request.config) else os.getpid()
        server = PostgreSQL(owner=psutil.Process(pid))
        server.allow(CONNECTIONS)
        known.write_text(str(server.folder))
    return server


def _is_one_of_many(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server when all test processes have ended."""
    if not _is_one_of_many(config):
        end_own()


@pytest.fixture(scope="session")
def migrated_postgresql(run_folder: Path, postgresql: PostgreSQL) -> str:
    """Return the name of a database with the newest schema, to be copied."""
    with FileLock(run_folder / "template.lock"):
        if not postgresql.run(f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'"):
            name = postgresql.create()
            _migrate(postgresql.url(name))
            postgresql.run(f"ALTER DATABASE {name} RENAME TO {TEMPLATE}")
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
