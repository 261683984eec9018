import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    String,
    inspect,
    text,
)
from sqlalchemy.types import TypeEngine

from api.database import Database
from api.database_use import DatabaseInUseError, share
from api.migrate import (
    MigrationError,
    migrate,
    migrate_back,
    newest_revision,
    revision,
    schema_change,
)
from api.migration_steps import downgrade, revisions, upgrade
from api.schema import metadata
from api.table_rows import read_tables

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Database]:
    database = Database(empty_database_url)
    yield database
    database.close()


def test_migrated_schema_is_the_one_that_the_code_uses(empty: Database) -> None:
    assert migrate(empty) == newest_revision() == revisions()[-1]
    with empty.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_changes_nothing(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.execute(
            text("INSERT INTO sources VALUES ('u', 'r', 'c', 'ok', NULL, '2026-01-01')")
        )
    migrate(empty)
    with empty.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM sources")).scalar() == 1


def move_to(database: Database, target: str, *, back: bool = False) -> None:
    with schema_change(database) as connection:
        (downgrade if back else upgrade)(connection, target)


def fill(database: Database) -> None:
    """Put two rows into every table, with a value in every column."""
    with schema_change(database) as connection:
        found = MetaData()
        found.reflect(connection)
        for typed in read_tables(connection):
            table = found.tables[typed.name]
            rows = [{c.name: value_of(c, n) for c in table.columns} for n in (1, 2)]
            connection.execute(typed.insert(), rows)


def value_of(column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return value_of(key.column, number)
    length = getattr(column.type, "length", None)
    values: dict[type[TypeEngine[Any]], Any] = {
        JSON: {"number": number, "text": "\u00e9"},
        DateTime: datetime(2026, 3, 2, 12, 0, number, tzinfo=UTC),
        LargeBinary: bytes([0, 255, number]),
        Boolean: number == 1,
        String: f"{number}{column.name}"[:length],
    }
    return next((v for kind, v in values.items() if isinstance(column.type, kind)), number)


def rows_of(database: Database, like: Rows | None = None) -> Rows:
    """Return all rows, of the tables and columns of `like` where that is given."""
    with database.read() as connection:
        return {
            table.name: sorted(
                (
                    {k: v for k, v in row.items() if like is None or k in like[table.name][0]}
                    for row in connection.execute(table.select()).mappings()
                ),
                key=str,
            )
            for table in read_tables(connection)
            if like is None or table.name in like
        }


STEPS = list(pairwise(revisions()))


@pytest.mark.parametrize(("old", "new"), STEPS, ids=[new for _, new in STEPS])
def test_each_revision_keeps_what_is_there_forward_and_back(
    empty: Database, old: str, new: str
) -> None:
    move_to(empty, old)
    fill(empty)
    before = rows_of(empty)
    move_to(empty, new)
    assert rows_of(empty, before) == before
    assert migrate_back(empty, old) == old
    assert rows_of(empty) == before


@pytest.mark.parametrize(("old", "new"), STEPS, ids=[new for _, new in STEPS])
def test_the_way_back_from_a_revision_in_use_keeps_what_the_older_one_knows(
    empty: Database, old: str, new: str
) -> None:
    move_to(empty, new)
    fill(empty)
    before = rows_of(empty)
    assert migrate_back(empty, old) == old
    after = rows_of(empty)
    assert set(after) <= set(before)
    for name, rows in after.items():
        kept = [{k: v for k, v in row.items() if k in rows[0]} for row in before[name]]
        assert rows == sorted(kept, key=str), name


def test_going_back_to_what_never_was_is_refused(empty: Database) -> None:
    migrate(empty)
    for unknown in ("base", "0", "head"):
        with pytest.raises(MigrationError, match="there is no revision") as error:
            migrate_back(empty, unknown)
        assert "0001" in error.value.advice


def test_going_back_under_an_api_is_refused(empty: Database, empty_database_url: str) -> None:
    migrate(empty)
    api = Database(empty_database_url)
    with api.read():
        in_use = share(api)
        empty.close()
        with pytest.raises(DatabaseInUseError, match="in use"):
            migrate_back(empty, "0001")
        if in_use is not None:
            in_use.close()
    api.close()


def test_two_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    found: list[str] = []

    def start() -> None:
        database = Database(empty_database_url)
        found.append(migrate(database))
        database.close()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [newest_revision()] * 3


KILLED = """
import os, signal, sys
from sqlalchemy import event
from api.database import Database
from api.migrate import schema_change
from api.migration_steps import downgrade, upgrade

database = Database(sys.argv[1])
steps = 0

def end(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def count(*_):
    global steps
    steps += 1
    if steps == int(sys.argv[3]):
        end()

event.listen(database.engine, "after_cursor_execute", count)
with schema_change(database) as connection:
    (upgrade if sys.argv[2] == "head" else downgrade)(connection, sys.argv[2])
    end()
"""


BEFORE_THE_COMMIT = 0  # of all steps at once


def kill_at(step: int, url: str, target: str) -> None:
    argv = [sys.executable, "-c", KILLED, url, target, str(step)]
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(argv, env=environ, check=False, timeout=60, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("target", ["head", "0001"])
def test_killed_migration_leaves_nothing_and_is_run_again(
    empty: Database, empty_database_url: str, target: str
) -> None:
    start = "0001" if target == "head" else "head"
    move_to(empty, start)
    fill(empty)
    before = rows_of(empty)
    with empty.read() as connection:
        at = revision(connection)
    # What a step had committed by itself would still be there at the end.
    for step in (3, BEFORE_THE_COMMIT):
        kill_at(step, empty_database_url, target)
        assert rows_of(empty) == before
        with empty.read() as connection:
            assert revision(connection) == at
    move_to(empty, target, back=target != "head")
    with empty.read() as connection:
        assert revision(connection) == (newest_revision() if target == "head" else target)


def test_killed_first_migration_leaves_no_table(empty: Database, empty_database_url: str) -> None:
    for step in (4, BEFORE_THE_COMMIT):
        kill_at(step, empty_database_url, "head")
        with empty.read() as connection:
            assert revision(connection) is None
            assert inspect(connection).get_table_names() == []
    assert migrate(empty) == newest_revision()


def test_database_of_a_newer_version_is_refused(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationError, match="another version") as error:
        migrate(empty)
    assert "newer version" in error.value.advice


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new.db").write_bytes(b"a poem " * 1000)
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(MigrationError, match="cannot be opened"):
        migrate(database)
    database.close()
