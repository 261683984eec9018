import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from api.archive import ArchiveError, new_archive, read_archive
from api.backup import COPIES, KEY, BackupError, check_backup, sweep_copies, table_of, write_backup
from api.database import Database
from api.migrate import newest_revision
from api.tables import sources
from utils.locks import held_lock

if TYPE_CHECKING:
    from tests.api.desk import Desk


def test_backup_says_what_it_holds_and_nobody_else_reads_it(
    desk: "Desk", database: Database, tmp_path: Path
) -> None:
    desk.run({"name": "look", "verdict": "fail"})
    file = tmp_path / "b.backup"
    contents = write_backup(database, file, desk.clock.now)
    header = contents.header
    assert (header.revision, header.database) == (newest_revision(), database.kind)
    assert (contents.rows["jobs"], contents.rows["violations"]) == (1, 1)
    assert check_backup(file) == contents
    assert file.stat().st_mode & 0o777 == 0o600


def test_key_is_in_it_only_when_asked_for(desk: "Desk", database: Database, tmp_path: Path) -> None:
    file, key = tmp_path / "b.backup", tmp_path / "key"
    key.write_bytes(b"the key")
    assert not write_backup(database, file, desk.clock.now).header.with_key
    assert KEY not in dict(read_archive(file))
    assert write_backup(database, file, desk.clock.now, key).header.with_key
    assert dict(read_archive(file))[KEY] == b"the key"
    with pytest.raises(BackupError, match="cannot be read"):
        write_backup(database, file, desk.clock.now, tmp_path / "none")


def test_it_is_of_one_moment_however_much_is_written_meanwhile(
    desk: "Desk", database: Database, tmp_path: Path
) -> None:
    """Rows of two tables are always written together: a backup has as many of each."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            row = {"url": f"u{number}", "ref": "r", "state": "ok", "checked_at": desk.clock.now}
            with database.write() as connection:
                connection.execute(insert(sources), [row])
                connection.exec_driver_sql(
                    "INSERT INTO verdicts VALUES"
                    f" ('d', 't{number}', 'pass', 'j', '2026-01-01 00:00:00')"
                )
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            rows = write_backup(database, tmp_path / f"{number}", desk.clock.now).rows
            assert rows["sources"] == rows["verdicts"]
    finally:
        stop.set()
        thread.join()
    assert rows["sources"] > 0


@pytest.mark.only_on("sqlite")
def test_copy_of_a_killed_backup_is_removed_and_one_at_work_is_not(
    desk: "Desk", database: Database, tmp_path: Path
) -> None:
    parent = Path(str(database.engine.url.database)).parent
    left, at_work = parent / f"{COPIES}left", parent / f"{COPIES}at-work"
    for folder in (left, at_work):
        folder.mkdir()
        (folder / "copy.db").write_bytes(b"rows")
    with held_lock(at_work / "lock", 0):
        sweep_copies(database)
        assert (left.exists(), at_work.exists()) == (False, True)
    write_backup(database, tmp_path / "file", desk.clock.now)
    assert [path for path in parent.glob(f"{COPIES}*") if path.is_dir()] == []


def test_database_that_is_none_is_told(empty_database_url: str, tmp_path: Path) -> None:
    database = Database(empty_database_url)
    with pytest.raises(BackupError):
        write_backup(database, tmp_path / "b.backup", None)  # type: ignore[arg-type]  # not reached
    database.close()
    assert not (tmp_path / "b.backup").exists()


def test_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "b.backup"
    with new_archive(file) as archive:
        archive.add("poem", b"roses")
    with pytest.raises(ArchiveError, match="no backup of Trueline"):
        check_backup(file)
    with new_archive(file) as archive:
        archive.add("backup.json", b'{"format": 2, "version": "9.0"}')
    with pytest.raises(BackupError, match="format 2") as error:
        check_backup(file)
    assert "9.0" in error.value.advice


def test_parts_are_named_for_their_tables() -> None:
    assert table_of("rows/jobs/000001.jsonl") == "jobs"
    assert table_of("secret.key") is None
