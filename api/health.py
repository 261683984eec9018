"""Whether what the API depends on works, each check with its time and its advice."""

import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.database import Database
from api.migrate import newest_revision, revision
from api.state import State
from api.tables import integrations, sources
from utils.errors import TruelineError

LEAST_FREE_BYTES = 64 * 1024 * 1024


class NotReadyError(TruelineError):
    """Something that the API depends on does not work."""


def add_checks(state: State) -> None:
    """Add the checks of what every API depends on; other parts add theirs to `state.checks`."""
    state.checks.add("database", lambda: _check_database(state.database))
    state.checks.add("schema", lambda: _check_schema(state.database))
    state.checks.add("storage", lambda: _check_storage(state.settings.data_dir))
    state.checks.add("secrets", lambda: _check_secrets(state))


def isolation_levels(database: Database) -> list[str]:
    """Return the isolation levels that workers have reported for what they run."""
    with database.read() as connection:
        found = connection.execute(select(integrations.c.environment)).scalars()
        return sorted({level for one in found if one and (level := one.get("isolation"))})


def _check_database(database: Database) -> None:
    try:
        with database.read() as connection:
            connection.execute(select(sources.c.url).limit(1))
    except SQLAlchemyError as error:
        raise NotReadyError(
            "the database does not answer", "start it, or check TRUELINE_DATABASE_URL"
        ) from error


def _check_schema(database: Database) -> None:
    wanted = newest_revision()
    try:
        with database.read() as connection:
            found = revision(connection)
    except SQLAlchemyError as error:
        raise NotReadyError(
            "the schema's revision cannot be read", "see the check named database"
        ) from error
    if found != wanted:
        raise NotReadyError(
            f"the database is at revision {found}, this version needs {wanted}",
            "restart the API: it migrates the database when it starts",
        )


def _check_secrets(state: State) -> None:
    try:
        with state.database.read() as connection:
            state.secrets.check(connection)
    except SQLAlchemyError as error:
        raise NotReadyError(
            "the keys on record cannot be read", "see the check named database"
        ) from error


def _check_storage(data_dir: Path) -> None:
    try:
        system = os.statvfs(data_dir)
    except OSError as error:
        raise NotReadyError(
            "the data directory cannot be read", "make it again and restart the API"
        ) from error
    if not os.access(data_dir, os.W_OK):
        raise NotReadyError("the data directory is not writable", "correct its owner and mode")
    free = system.f_bavail * system.f_frsize
    if free < LEAST_FREE_BYTES:
        raise NotReadyError(
            f"the data directory has {free} bytes left, less than {LEAST_FREE_BYTES}", "make room"
        )
