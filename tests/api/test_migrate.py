import os
import signal
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from api.database import Database
from api.migrate import SCRIPTS, MigrationError, migrate, newest_revision, revision
from api.schema import metadata


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'new.db'}")


def test_migrated_schema_is_the_one_that_the_code_uses(empty: Database) -> None:
    assert migrate(empty) == newest_revision()
    with empty.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    empty.close()


def test_migrating_again_changes_nothing(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.execute(text("INSERT INTO sources VALUES ('u', 'r', 'c', 'ok', NULL, '2026')"))
    migrate(empty)
    with empty.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM sources")).scalar() == 1
    empty.close()


def test_two_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    found: list[str] = []

    def start() -> None:
        database = Database(f"sqlite:///{tmp_path / 'new.db'}")
        found.append(migrate(database))
        database.close()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [newest_revision()] * 2


KILLED = """
import os, signal, sys
from sqlalchemy import event
from api.database import Database
from api.migrate import migrate

database = Database(sys.argv[1])
steps = 0

def count(*_):
    global steps
    steps += 1
    if steps == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(database.engine, "after_cursor_execute", count)
migrate(database)
"""


@pytest.mark.parametrize("step", [4, 9, 14, 20])
def test_killed_migration_leaves_nothing_and_is_run_again(tmp_path: Path, step: int) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    argv = [sys.executable, "-c", KILLED, url, str(step)]
    environ = {"PATH": os.environ["PATH"]}
    assert subprocess.run(argv, env=environ, check=False, timeout=60).returncode == -signal.SIGKILL
    database = Database(url)
    with database.read() as connection:
        assert revision(connection) is None
        assert inspect(connection).get_table_names() == []
    assert migrate(database) == newest_revision()
    database.close()


def test_database_of_a_newer_version_is_refused(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationError, match="another version") as error:
        migrate(empty)
    assert "newer version" in error.value.advice
    empty.close()


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new.db").write_bytes(b"a poem " * 1000)
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(MigrationError, match="cannot be opened"):
        migrate(database)
    database.close()


def test_postgresql_gets_the_same_columns() -> None:
    made = StringIO()
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script) as environment:
        environment.configure(
            dialect_name="postgresql",
            output_buffer=made,
            as_sql=True,
            fn=lambda *_: script._upgrade_revs("head", "base"),
        )
        environment.run_migrations()
    said = made.getvalue()
    dialect: Any = postgresql
    for table in metadata.sorted_tables:
        ours = str(CreateTable(table).compile(dialect=dialect.dialect()))
        columns = [line.strip(" ,\t") for line in ours.splitlines() if line.startswith("\t")]
        assert [it for it in columns if not it.startswith("CONSTRAINT") and it not in said] == []
