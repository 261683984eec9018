"""Whether what the database holds is sound."""

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from api.database import Database
from api.table_rows import read_tables, row_count
from utils.errors import TruelineError


class UnsoundError(TruelineError):
    """The database is damaged."""


def check_integrity(database: Database) -> int:
    """Read every table, and on SQLite every page; return how many rows there are."""
    try:
        with database.read() as connection:
            if database.kind == "sqlite":
                _check_file(connection)
            return sum(row_count(connection, table) for table in read_tables(connection))
    except DBAPIError as error:
        raise _unsound(str(error.orig)) from error


def _check_file(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        raise _unsound(str(found))
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise _unsound(f"a row of {broken[0]} refers to nothing")


def _unsound(reason: str) -> UnsoundError:
    return UnsoundError(
        f"the database is damaged or cannot be read: {reason}",
        "stop the API, keep a copy of the database, and restore the last good backup",
    )
