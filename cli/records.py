"""The database itself, for the commands that work on it beside the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from api.database import Database
from api.secret_key import DEFAULT_FILE, IN_ENVIRONMENT
from utils.errors import TruelineError
from utils.settings import Settings


class RecordsError(TruelineError):
    """The database does not do what a command asks of it."""


def key_file_of(settings: Settings) -> Path:
    """Return where the keys of the stored secrets are kept; raises RecordsError without a file."""
    if settings.secret_key:
        raise RecordsError(
            f"the key of secrets is in {IN_ENVIRONMENT}, not in a file",
            "it is kept where that variable comes from: leave --with-key out",
        )
    return settings.secret_key_file or settings.data_dir / DEFAULT_FILE


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the API's database; what goes wrong with it is told in a sentence."""
    database = Database(settings.database)
    try:
        yield database
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise RecordsError(
            f"the database says: {reason}",
            "check TRUELINE_DATABASE_URL, that the server runs and that the disk has room",
        ) from error
    finally:
        database.close()
