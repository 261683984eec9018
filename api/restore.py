"""Restores a backup, all or nothing, and takes every lease of its time away."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from api.archive import read_archive
from api.backup import KEY, Contents, check_backup, table_of
from api.database import Database
from api.database_use import alone, check_alone
from api.lease_epoch import begin_epoch
from api.migrate import revision, schema_change
from api.migration_steps import downgrade, revisions, upgrade
from api.table_rows import continue_numbers, load_rows, read_tables, row_count, triggers_off
from utils.errors import TruelineError
from utils.files import sync_directory, write_durably

OWN_NOTES = frozenset({"retention"})  # an API writes them by itself: no records of people


class RestoreError(TruelineError):
    """The backup cannot be restored into this database; the database is as it was."""


@dataclass(frozen=True)
class Restored:
    """What a restore has done."""

    contents: Contents
    revision: str
    jobs_requeued: int


def restore_backup(
    database: Database, path: Path, key_file: Path, now: datetime, *, replace: bool
) -> Restored:
    """Put a backup's rows in place of what is there; what is there must be nothing, or `replace`.

    The database has to be out of use. Whatever happens, it holds the old or the new records.
    """
    contents = check_backup(path)
    if contents.header.revision not in revisions():
        raise RestoreError(
            f"{path} was made by a newer version: {contents.header.version},"
            f" revision {contents.header.revision}",
            "restore it with that version or a later one",
        )
    key = _key_in(path) if contents.header.with_key else None
    _check_key(key_file, key, replace=replace)
    with alone(database):
        kind = _restore_file if database.kind == "sqlite" else _restore_tables
        restored = kind(database, path, contents, now, replace=replace)
        if key is not None:
            write_durably(key_file, key)
    return restored


def _restore_tables(
    database: Database, path: Path, contents: Contents, now: datetime, *, replace: bool
) -> Restored:
    """Do it in one transaction of the server."""
    with schema_change(database) as connection:
        check_alone(connection)
        if not replace:
            _check_empty(connection)
        _clear(connection)
        return _fill(connection, path, contents, now)


def _restore_file(
    database: Database, path: Path, contents: Contents, now: datetime, *, replace: bool
) -> Restored:
    """Make a new file and give it the old one's name."""
    place = Path(str(database.engine.url.database))
    if place.exists() and not replace:
        with database.read() as connection:
            _check_empty(connection)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.restored")
    _remove(beside)
    fresh = Database(f"sqlite:///{beside}")
    try:
        with schema_change(fresh) as connection:
            restored = _fill(connection, path, contents, now)
        fresh.close()  # the last one out brings its log into the file
        _settle(database)
        beside.chmod(0o600)
        beside.replace(place)
        sync_directory(place.parent)
    finally:
        fresh.close()
        _remove(beside)
    return restored


def _fill(connection: Connection, path: Path, contents: Contents, now: datetime) -> Restored:
    upgrade(connection, contents.header.revision)
    tables = {table.name: table for table in read_tables(connection)}
    if unknown := sorted(set(contents.rows) - set(tables)):
        raise RestoreError(
            f"{path} has rows of {unknown[0]}, which revision {contents.header.revision} lacks",
            "take another backup of yours",
        )
    with triggers_off(connection, tables.values()):  # they tell of changes, and nobody listens
        for name, part in read_archive(path):
            if table := table_of(name):
                load_rows(connection, tables[table], part)
    _check_counts(connection, list(tables.values()), contents)
    continue_numbers(connection, tables.values())
    upgrade(connection)
    requeued = begin_epoch(connection, now)
    return Restored(contents, str(revision(connection)), requeued)


def _check_counts(connection: Connection, tables: Sequence[Table], contents: Contents) -> None:
    for table in tables:
        found, said = row_count(connection, table), contents.rows.get(table.name, 0)
        if found != said:
            raise RestoreError(
                f"{found} rows of {table.name} were restored instead of {said}",
                "nothing was changed; report this",
            )


def _clear(connection: Connection) -> None:
    """Remove the tables that are there."""
    found = revision(connection)
    if found is None:
        return
    if found not in revisions():
        raise RestoreError(
            f"the database was made by a newer version: revision {found}",
            "make an empty database and name that one, or use the newer version",
        )
    downgrade(connection, "base")


def _check_empty(connection: Connection) -> None:
    for table in read_tables(connection):
        if table.name not in OWN_NOTES and (count := row_count(connection, table)):
            raise RestoreError(
                f"the database is not empty: {count} rows in {table.name}",
                "make a backup of it, then give --replace to lose what it holds",
            )


def _settle(database: Database) -> None:
    """Bring an old file's log into it, so that none of it is taken for the new file's."""
    place = Path(str(database.engine.url.database))
    if place.exists():
        # It may be spoilt: that is why it is replaced.
        with suppress(DBAPIError), database.engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
        database.close()
    for suffix in ("-wal", "-shm", "-journal"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)


def _remove(place: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)


def _key_in(path: Path) -> bytes:
    return next(content for name, content in read_archive(path) if name == KEY)


def _check_key(key_file: Path, key: bytes | None, *, replace: bool) -> None:
    if key is None or replace or not key_file.exists() or key_file.read_bytes() == key:
        return
    raise RestoreError(
        f"{key_file} holds another key than the backup",
        "move that file away, or give --replace to put the backup's key in its place",
    )
