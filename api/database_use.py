"""Who uses the database: APIs share it, whoever replaces it must have it alone."""

import fcntl
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, text

from api.database import Database
from utils.errors import TruelineError

_OTHERS = text(
    "SELECT DISTINCT coalesce(nullif(application_name, ''), 'unnamed') FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = "
    "'client backend' AND client_port IS NOT NULL"
)


class DatabaseInUseError(TruelineError):
    """Somebody else uses the database in a way that does not allow this."""


def share(database: Database) -> BinaryIO | None:
    """Say that this process uses the database until the file that is returned is closed.

    PostgreSQL knows by itself. Raises DatabaseInUseError while somebody has it alone.
    """
    if (path := _lock_path(database)) is None:
        return None
    try:
        return _locked(path, fcntl.LOCK_SH)
    except BlockingIOError as error:
        raise DatabaseInUseError(
            f"the database {path.with_suffix('')} is being restored or changed",
            "start the API again when that is done",
        ) from error
    except OSError:  # SQLite will say so in its own words
        return None


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Keep APIs away from an SQLite database. Raises DatabaseInUseError when one runs."""
    if (path := _lock_path(database)) is None:
        yield
        return
    try:
        lock = _locked(path, fcntl.LOCK_EX)
    except BlockingIOError as error:
        raise DatabaseInUseError(
            f"the database {path.with_suffix('')} is in use", "stop the API first"
        ) from error
    except OSError as error:
        raise DatabaseInUseError(
            f"{path} cannot be locked: {error.strerror}", "run this as the API's user"
        ) from error
    with closing(lock):
        yield


def check_alone(connection: Connection) -> None:
    """Raise DatabaseInUseError when somebody else is connected to this PostgreSQL database."""
    if connection.dialect.name != "postgresql":
        return
    connection.execute(text("SELECT pg_stat_clear_snapshot()"))  # who was there at the first look
    if others := sorted(connection.execute(_OTHERS).scalars()):
        raise DatabaseInUseError(
            f"the database is in use by {', '.join(others)}",
            "stop every API, and close every other connection to this database",
        )


class Neighbours:
    """Tells whether another API serves the same SQLite file, by locks that mean nothing else.

    Each holds a shared lock on one byte of a file beside it, and asks who else would be in its way.
    """

    def __init__(self, database: Database) -> None:
        self._descriptor: int | None = None
        path = _lock_path(database)
        with suppress(OSError):  # then nobody is told of, and all are taken to be there
            if path is not None and _OFD:
                self._descriptor = _opened(path)
                fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _byte(fcntl.F_RDLCK))

    def __del__(self) -> None:
        self.close()

    def are_there(self) -> bool:
        """Whether there is one, or may be one."""
        if self._descriptor is None:
            return True
        try:
            found = fcntl.fcntl(self._descriptor, fcntl.F_OFD_GETLK, _byte(fcntl.F_WRLCK))
        except OSError:
            return True
        return bool(_FLOCK.unpack(found)[0] != fcntl.F_UNLCK)

    def close(self) -> None:
        """Be none any more."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_FLOCK = struct.Struct("hhqqi4x")  # `struct flock` of Linux: type, whence, start, length, pid
_OFD = sys.platform == "linux"


def _byte(kind: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, 0, 1, 0)


def _lock_path(database: Database) -> Path | None:
    if database.kind != "sqlite":
        return None
    path = database.engine.url.database
    return Path(f"{path}.use") if path else None


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _locked(path: Path, how: int) -> BinaryIO:
    """Lock by the file's descriptor, which processes that serve inherit."""
    file = os.fdopen(_opened(path), "r+b")
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BaseException:
        file.close()
        raise
    return file
