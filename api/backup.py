"""Backups: all rows at one moment, in a file that both kinds of database can be restored from."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from api.archive import Archive, ArchiveError, new_archive, read_archive
from api.database import Database
from api.migrate import lift_limits, revision
from api.table_rows import dump_rows, read_tables
from utils import __version__
from utils.errors import TruelineError

FORMAT = 1
HEADER = "backup.json"
ROWS = "rows"
COUNTS = "counts.json"
KEY = "secret.key"


class BackupError(TruelineError):
    """There is nothing to back up, or the file cannot be used here."""


@dataclass(frozen=True)
class Header:
    """What a backup says of itself."""

    format: int
    version: str
    revision: str
    database: str
    created_at: str
    with_key: bool


@dataclass(frozen=True)
class Contents:
    """What was found in a whole backup."""

    header: Header
    rows: dict[str, int]  # by table


def write_backup(
    database: Database, path: Path, now: datetime, key_file: Path | None = None
) -> Contents:
    """Write all rows of one moment while others go on; with the key when its file is given."""
    with _still(database) as connection, new_archive(path) as archive:
        if (found := revision(connection)) is None:
            raise BackupError(
                "this database has never been used by an API", "check TRUELINE_DATABASE_URL"
            )
        header = Header(
            FORMAT, __version__, found, database.kind, now.isoformat(), key_file is not None
        )
        archive.add(HEADER, json.dumps(asdict(header)).encode())
        counts = _add_rows(connection, archive)
        archive.add(COUNTS, json.dumps(counts).encode())
        if key_file is not None:
            archive.add(KEY, _read_key(key_file))
    return check_backup(path)


def check_backup(path: Path) -> Contents:
    """Read a backup from its beginning to its end; raises an error when it is not whole."""
    found: dict[str, int] = {}
    header: Header | None = None
    said: dict[str, int] = {}
    for name, content in read_archive(path):
        if name == HEADER:
            header = _header(path, content)
        elif name == COUNTS:
            said = json.loads(content)
        elif table := table_of(name):
            found[table] = found.get(table, 0) + content.count(b"\n") + 1
    if header is None or found != {name: count for name, count in said.items() if count}:
        raise ArchiveError(f"{path} is no backup of Trueline", "take another backup of yours")
    return Contents(header, said)


def table_of(part: str) -> str | None:
    """Return the table whose rows a part of a backup holds."""
    folder, _, rest = part.partition("/")
    return rest.rpartition("/")[0] if folder == ROWS else None


def _add_rows(connection: Connection, archive: Archive) -> dict[str, int]:
    counts = {}
    for table in read_tables(connection):
        counts[table.name] = 0
        for number, (rows, part) in enumerate(dump_rows(connection, table)):
            archive.add(f"{ROWS}/{table.name}/{number:06}.jsonl", part)
            counts[table.name] += rows
    return counts


@contextmanager
def _still(database: Database) -> Iterator[Connection]:
    """Open the database as it is at one moment; nobody waits for us."""
    if database.kind == "sqlite":
        with _copied(database) as copy, copy.read() as connection:
            yield connection
        return
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            lift_limits(connection)
            yield connection


@contextmanager
def _copied(database: Database) -> Iterator[Database]:
    """Copy an SQLite database by its own means: reading it for long would hold others up."""
    source = Path(str(database.engine.url.database))
    if not source.exists():
        raise BackupError(f"there is no database {source}", "check TRUELINE_DATA_DIR")
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=source.parent) as folder:
        copy = Database(f"sqlite:///{Path(folder, 'copy.db')}")
        try:
            with database.engine.connect() as here, copy.engine.connect() as there:
                raw: Any = here.connection.driver_connection
                raw.backup(there.connection.driver_connection)
            yield copy
        finally:
            copy.close()


def _read_key(key_file: Path) -> bytes:
    try:
        return key_file.read_bytes()
    except OSError as error:
        raise BackupError(
            f"the key of secrets, {key_file}, cannot be read: {error.strerror}",
            "run this as the API's user, or leave the key out",
        ) from error


def _header(path: Path, content: bytes) -> Header:
    values = json.loads(content)
    if values.get("format") != FORMAT:
        raise BackupError(
            f"{path} has format {values.get('format')}, this version reads {FORMAT}",
            f"use version {values.get('version')} of Trueline, which made it",
        )
    return Header(**values)
