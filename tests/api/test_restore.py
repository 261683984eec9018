from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, text

from api.backup import write_backup
from api.database import Database
from api.database_use import DatabaseInUseError, share
from api.lease_epoch import first_attempt
from api.migrate import migrate, revision, schema_change
from api.migration_steps import upgrade
from api.restore import Restored, RestoreError, restore_backup
from api.table_rows import dump_rows, read_tables
from api.tables import jobs, sources

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.api.hand_clock import HandClock

Restore = Callable[..., Restored]
AFTER_RESTORE = {"jobs", "events"}  # leases that were running are taken back


def everything(database: Database) -> dict[str, set[bytes]]:
    """Return all rows as text, times and JSON in one form for both kinds of database."""
    with database.read() as connection:
        return {
            table.name: {
                line for _, part in dump_rows(connection, table) for line in part.split(b"\n")
            }
            for table in read_tables(connection)
        }


@pytest.fixture
def target(empty_database_url: str) -> Iterator[Database]:
    database = Database(empty_database_url)
    yield database
    database.close()


@pytest.fixture
def saved(desk: "Desk", database: Database, tmp_path: Path) -> Path:
    """Back a busy API up: an ended job with a violation, a running one, a waiting one."""
    desk.run({"name": "look", "verdict": "fail", "message": "é\t\n\\"})
    desk.start()
    desk.start()
    desk.lease()
    path = tmp_path / "b.backup"
    write_backup(database, path, desk.clock.now)
    return path


@pytest.fixture
def restore(target: Database, saved: Path, tmp_path: Path, clock: "HandClock") -> Restore:
    def run(file: Path = saved, *, replace: bool = False) -> Restored:
        key = tmp_path / "restored.key"
        return restore_backup(target, file, key, clock.now, replace=replace)

    return run


def test_every_row_comes_back(restore: Restore, database: Database, target: Database) -> None:
    done = restore()
    before, after = everything(database), everything(target)
    assert done.jobs_requeued == 1
    assert {n: v for n, v in before.items() if n not in AFTER_RESTORE and n != "retention"} == {
        n: v for n, v in after.items() if n not in AFTER_RESTORE and n != "retention"
    }
    assert before["events"] < after["events"]
    assert before["violations"]


def test_jobs_that_had_not_ended_go_on_with_attempts_that_no_worker_has_seen(
    restore: Restore, target: Database, clock: "HandClock"
) -> None:
    restore()
    with target.read() as connection:
        found = connection.execute(select(jobs.c.status, jobs.c.attempt, jobs.c.lease_token)).all()
    first = first_attempt(clock.now)
    assert sorted((row.status, row.attempt) for row in found) == [
        ("partial", 1),
        ("pending", first),
        ("pending", first),
    ]
    assert {row.lease_token for row in found} == {None}


def test_a_database_that_holds_records_is_replaced_only_when_that_is_asked_for(
    restore: Restore, target: Database, clock: "HandClock"
) -> None:
    migrate(target)
    values = {"url": "u", "ref": "r", "state": "ok", "checked_at": clock.now}
    with target.write() as connection:
        connection.execute(insert(sources), [values])
    with pytest.raises(RestoreError, match="1 rows in sources") as error:
        restore()
    assert "--replace" in error.value.advice
    assert len(everything(target)["sources"]) == 1
    restore(replace=True)
    assert everything(target)["sources"] == set()


def test_an_empty_database_that_an_api_has_made_is_restored_into(
    restore: Restore, target: Database
) -> None:
    migrate(target)
    target.close()
    restore()
    assert everything(target)["violations"]


def test_a_restore_that_fails_changes_nothing(
    restore: Restore, target: Database, monkeypatch: pytest.MonkeyPatch, clock: "HandClock"
) -> None:
    migrate(target)
    values = {"url": "u", "ref": "r", "state": "ok", "checked_at": clock.now}
    with target.write() as connection:
        connection.execute(insert(sources), [values])
    target.close()

    def break_off(*_: Any) -> None:
        raise RuntimeError("the power is gone")

    monkeypatch.setattr("api.restore.begin_epoch", break_off)
    with pytest.raises(RuntimeError):
        restore(replace=True)
    assert len(everything(target)["sources"]) == 1
    assert everything(target)["jobs"] == set()


def test_a_database_in_use_is_left_alone(
    restore: Restore, target: Database, empty_database_url: str
) -> None:
    migrate(target)
    target.close()
    api = Database(empty_database_url)
    with api.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        in_use = share(api)
        with pytest.raises(DatabaseInUseError, match="in use") as error:
            restore(replace=True)
        if in_use is not None:
            in_use.close()
    assert "stop" in error.value.advice
    api.close()
    restore()


def test_a_backup_of_an_older_version_is_brought_forward(
    target: Database, empty_database_url: str, tmp_path: Path, clock: "HandClock"
) -> None:
    old = tmp_path / "old.backup"
    _write_old(old, tmp_path, clock)
    restore_backup(target, old, tmp_path / "key", clock.now, replace=False)
    with target.read() as connection:
        assert revision(connection) == migrate(target)
    assert len(everything(target)["sources"]) == 1
    assert empty_database_url


def _write_old(path: Path, tmp_path: Path, clock: "HandClock") -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with schema_change(database) as connection:
        upgrade(connection, "0001")
        values = {"url": "u", "ref": "r", "state": "ok", "checked_at": clock.now}
        connection.execute(insert(sources), [values])
    write_backup(database, path, clock.now)
    database.close()


@pytest.mark.only_on("postgresql")
def test_a_database_of_a_newer_version_is_not_cleared(restore: Restore, target: Database) -> None:
    migrate(target)
    with target.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    target.close()
    with pytest.raises(RestoreError, match="newer version: revision 9999"):
        restore(replace=True)


def test_a_backup_of_a_newer_version_is_refused(
    restore: Restore, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.restore.revisions", lambda: ["0001"])
    with pytest.raises(RestoreError, match="made by a newer version") as error:
        restore()
    assert "later one" in error.value.advice
    assert everything(target) == {}


@pytest.mark.one_database
def test_key_comes_back_and_another_one_is_not_overwritten(
    desk: "Desk", database: Database, target: Database, tmp_path: Path
) -> None:
    key, place = tmp_path / "key", tmp_path / "place"
    key.write_bytes(b"the key")
    file, now = tmp_path / "b.backup", desk.clock.now
    write_backup(database, file, now, key)
    place.write_bytes(b"another")
    with pytest.raises(RestoreError, match="another key"):
        restore_backup(target, file, place, now, replace=False)
    place.unlink()
    restore_backup(target, file, place, now, replace=False)
    assert place.read_bytes() == b"the key"
    assert place.stat().st_mode & 0o777 == 0o600
