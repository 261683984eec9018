"""Brings the database to the schema that this version needs, or back to an earlier one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from api.database import Database
from api.database_use import alone, check_alone
from api.sqlite_engine import sqlite_schema_change
from utils.errors import TruelineError

VERSIONS = Path(__file__).resolve().parent.parent / "migrations" / "versions"
_LOCK = 0x7472756C  # one migration at a time on PostgreSQL; any fixed number does


class MigrationError(TruelineError):
    """The database cannot be brought to this version's schema."""


def migrate(database: Database) -> str:
    """Run the missing migrations in one transaction and return the revision reached.

    A migration that was interrupted left nothing behind and is run again. Where none is missing
    nothing is locked, and no row is looked at.
    """
    try:
        with database.read() as connection:
            if (found := revision(connection)) == newest_revision():
                return str(found)
    except DBAPIError:  # told as what it is below
        pass
    from api.migration_steps import upgrade  # noqa: PLC0415 - start-up time

    return _moved(database, upgrade)


def migrate_back(database: Database, target: str) -> str:
    """Undo the migrations after `target`, also in one transaction; return the revision reached.

    Raises DatabaseInUseError while an API runs.
    """
    from api.migration_steps import downgrade, revisions  # noqa: PLC0415 - start-up time

    if target not in revisions():
        raise MigrationError(
            f"there is no revision {target!r}", f"give one of: {', '.join(revisions())}"
        )

    def go_back(connection: Connection) -> None:
        check_alone(connection)
        downgrade(connection, target)

    with alone(database):
        return _moved(database, go_back)


@contextmanager
def schema_change(database: Database) -> Iterator[Connection]:
    """Open the one transaction at a time in which tables may change; it may take its time.

    Nothing is changed when the body or the check of the references fails.
    """
    if database.kind == "sqlite":
        with sqlite_schema_change(database.engine) as connection:
            yield connection
            _check_references(connection)
        return
    with database.write() as connection:
        lift_limits(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        yield connection


def lift_limits(connection: Connection) -> None:
    """Let a transaction take as long as it has to."""
    if connection.dialect.name == "postgresql":
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {name} TO 0")


def revision(connection: Connection) -> str | None:
    """Return the schema's revision in the database; None before the first migration."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def newest_revision() -> str:
    """Return the revision that this version needs; the files of migrations begin with theirs."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))


def _moved(database: Database, move: Callable[[Connection], None]) -> str:
    from alembic.util import CommandError  # noqa: PLC0415 - start-up time

    try:
        with schema_change(database) as connection:
            move(connection)
            return str(revision(connection))
    except CommandError as error:
        raise MigrationError(
            "the database was made by another version: its revision is unknown here",
            "start the newer version, or restore a backup made by this one",
        ) from error
    except DBAPIError as error:
        raise MigrationError(
            f"the database cannot be opened or migrated: {error.orig}",
            "check TRUELINE_DATABASE_URL or its _FILE, the server, and the room on its disk",
        ) from error


def _check_references(connection: Connection) -> None:
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise MigrationError(
            f"a row of {broken[0]} would refer to a row of {broken[2]} that is not there",
            "nothing was changed; restore a backup, or report this",
        )


def check_revision(database: Database) -> None:
    """Raise MigrationError unless the database has the schema that this version needs."""
    try:
        with database.read() as connection:
            found = revision(connection)
    except DBAPIError as error:
        raise MigrationError(
            f"the database cannot be opened: {error.orig}",
            "run this where the API runs, with its settings",
        ) from error
    if found != newest_revision():
        raise MigrationError(
            f"the database is at revision {found}, this version needs {newest_revision()}",
            "start the API: it migrates the database",
        )
