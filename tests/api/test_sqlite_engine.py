from pathlib import Path

import pytest
from sqlalchemy import text

from api import sqlite_engine
from api.database import Database
from api.sqlite_engine import WAL_IS_SAFE_FROM, newest_sqlite, sqlite_schema_change


def journal(path: Path) -> str:
    database = Database(f"sqlite:///{path}")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)"))
        connection.execute(text("INSERT INTO numbers VALUES (1)"))
        found = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
    database.close()
    return found


def count(path: Path) -> int:
    database = Database(f"sqlite:///{path}")
    with database.read() as connection:
        found = int(connection.execute(text("SELECT count(*) FROM numbers")).scalar_one())
    database.close()
    return found


def test_library_that_comes_with_us_is_safe_for_a_log_written_ahead() -> None:
    assert newest_sqlite().sqlite_version_info >= WAL_IS_SAFE_FROM


def test_journal_is_the_one_that_is_safe_for_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.db"
    assert journal(path) == "wal"
    monkeypatch.setattr(sqlite_engine, "WAL_IS_SAFE_FROM", (99, 0, 0))  # an older library opens it
    assert journal(path) == "truncate"
    assert not path.with_name("test.db-wal").exists()
    monkeypatch.undo()
    assert journal(path) == "wal"
    assert count(path) == 3


def test_log_that_a_killed_process_left_is_read_by_an_older_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, left = tmp_path / "test.db", tmp_path / "left.db"
    journal(path)
    holder = Database(f"sqlite:///{path}")
    with holder.read() as open_one:  # so that the log stays
        open_one.execute(text("SELECT 1 FROM numbers")).all()
        journal(path)
        for suffix in ("", "-wal"):
            copy = left.with_name(left.name + suffix)
            copy.write_bytes(path.with_name(path.name + suffix).read_bytes())
    holder.close()
    assert left.with_name("left.db-wal").stat().st_size > 0
    monkeypatch.setattr(sqlite_engine, "WAL_IS_SAFE_FROM", (99, 0, 0))
    assert journal(left) == "truncate"
    assert count(left) == 3


def test_transactions_of_schema_changes_do_not_delete_what_refers_to_a_table(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE one (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE many (one INTEGER REFERENCES one ON DELETE CASCADE)"))
        connection.execute(text("INSERT INTO one VALUES (1)"))
        connection.execute(text("INSERT INTO many VALUES (1)"))
    with sqlite_schema_change(database.engine) as connection:
        connection.execute(text("DROP TABLE one"))
        connection.execute(text("CREATE TABLE one (id INTEGER PRIMARY KEY)"))
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM many")).scalar_one() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    database.close()
