"""Brings the database to the schema that this version needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from api.database import Database
from utils.errors import TruelineError

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 0x7472756C  # one migration at a time on PostgreSQL; any fixed number does


class MigrationError(TruelineError):
    """The database cannot be brought to this version's schema."""


def migrate(database: Database) -> str:
    """Run the missing migrations in one transaction and return the revision reached.

    A migration that was interrupted left nothing behind and is run again.
    """
    try:
        with database.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            command.upgrade(_config(connection), "head")
            return str(revision(connection))
    except CommandError as error:
        raise MigrationError(
            "the database was made by another version: its revision is unknown here",
            "start the newer version, or restore a backup made by this one",
        ) from error
    except DBAPIError as error:
        raise MigrationError(
            f"the database cannot be opened or migrated: {error.orig}",
            "check TRUELINE_DATABASE_URL, that the server runs and that the disk has room",
        ) from error


def revision(connection: Connection) -> str | None:
    """Return the schema's revision in the database; None before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """Return the revision that this version needs."""
    return str(ScriptDirectory(str(SCRIPTS)).get_current_head())


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


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config
