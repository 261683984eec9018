"""One environment on disk: its parts, its record, and who uses it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from worker.errors import WorkerError

RECORD_NAME = "environment.json"
USAGE_NAME = "usage"
STORE = "store"


class EnvironmentGone(WorkerError):  # noqa: N818 - reads as the state it reports
    """An environment was reclaimed before it was used."""


class EnvironmentRecord(BaseModel):
    """What `environment.json` says about how an environment was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    requirements: tuple[str, ...]
    python: str
    installer: str
    built_at: str
    seconds: float
    store: tuple[str, ...]  # what it is put together from, in this order


@dataclass(frozen=True)
class Environment:
    """A virtual environment that is complete; `seconds` is None when it was there already."""

    key: str
    path: Path
    python: Path
    child: Path
    lock: Path
    seconds: float | None

    @classmethod
    def at(cls, path: Path, *, seconds: float | None = None) -> Self:
        """Describe the environment in `path`, whose name is its key."""
        return cls(
            key=path.name,
            path=path,
            python=path / "bin" / "python",
            child=path / "sdk" / "utils" / "child.py",
            lock=path / "lock.txt",
            seconds=seconds,
        )

    @property
    def store(self) -> Path:
        """The folder that its links lead into."""
        return self.path.parent.parent / STORE

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the environment from being reclaimed; children do not inherit the hold.

        Raises EnvironmentGone when it was reclaimed before.
        """
        with open_usage(self.path) as usage:
            fcntl.flock(usage, fcntl.LOCK_SH)
            if not _still_there(self.path, usage):
                raise _gone(self.path)
            os.utime(usage)
            yield
            os.utime(usage)


@contextmanager
def open_usage(path: Path) -> Iterator[int]:
    """Open the file that users of the environment in `path` lock; closing it ends the hold."""
    try:
        usage = os.open(path / USAGE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _gone(path) from error
    try:
        yield usage
    finally:
        os.close(usage)


def read_record(path: Path) -> EnvironmentRecord | None:
    """Read the record in `path`; None when it is missing, unusable or another environment's.

    In the trash a key has something added to it.
    """
    with suppress(OSError, ValidationError):
        record = EnvironmentRecord.model_validate_json((path / RECORD_NAME).read_bytes())
        if record.key == path.name.partition(".")[0]:
            return record
    return None


def _still_there(path: Path, usage: int) -> bool:
    with suppress(OSError):
        return os.path.samestat((path / USAGE_NAME).stat(), os.fstat(usage))
    return False


def _gone(path: Path) -> EnvironmentGone:
    return EnvironmentGone(
        f"environment {path.name} was reclaimed before it was used", "build it again"
    )
