"""One environment on disk: its parts, its record, whether it is whole, and who uses it."""

import csv
import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, ValidationError

from worker.errors import WorkerError
from worker.lockfile import read_lock

RECORD_NAME = "environment.json"
USAGE_NAME = "usage"
START_SECONDS = 30


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
    site_packages: str
    distributions: tuple[str, ...]
    sdk: Mapping[str, int]


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
    """Read the record of the environment in `path`; None when it is missing or unusable."""
    with suppress(OSError, ValidationError):
        record = EnvironmentRecord.model_validate_json((path / RECORD_NAME).read_bytes())
        if record.key == path.name:
            return record
    return None


def damage(path: Path) -> str:
    """Say what is wrong with the environment in `path`; empty when it is whole."""
    record = read_record(path)
    if record is None:
        return f"{RECORD_NAME} is missing or unusable"
    if read_lock(path / "lock.txt") is None:
        return "lock.txt is missing or unusable"
    for name, size_bytes in record.sdk.items():
        if _size_bytes(path / "sdk" / "utils" / name) != size_bytes:
            return f"sdk/utils/{name} is not as it was copied"
    site_packages = path / record.site_packages
    for distribution in record.distributions:
        if wrong := _distribution_damage(site_packages, distribution):
            return wrong
    return "" if _python_starts(path / "bin" / "python") else "its python does not start"


def installed_distributions(site_packages: Path) -> dict[str, str]:
    """Return what is installed: each package's canonical name and its folder."""
    return {
        canonicalize_name(path.name.partition("-")[0]): path.name
        for path in sorted(site_packages.glob("*.dist-info"))
    }


def protect(folder: Path) -> None:
    """Make the files below `folder` read-only: they may be hard links that others share.

    Folders stay as they are, so that Python can keep its bytecode beside them.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                protect(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                mode = entry.stat(follow_symlinks=False).st_mode & 0o7777
                if mode & 0o222:
                    Path(entry.path).chmod(mode & ~0o222)


def _distribution_damage(site_packages: Path, distribution: str) -> str:
    """Compare a distribution's files with the sizes in its RECORD; contents are not read."""
    try:
        with (site_packages / distribution / "RECORD").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if len(row) == 3]
    except (OSError, ValueError, csv.Error):
        return f"{distribution} is missing or unreadable"
    if not rows:
        return f"{distribution}/RECORD is empty"
    for name, _, size in rows:
        # Scripts in bin/ have their interpreter written into them after RECORD was.
        inside = size.isdigit() and not name.startswith("..")
        if inside and _size_bytes(site_packages / name) != int(size):
            return f"{name} of {distribution} is missing or cut short"
    return ""


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _python_starts(python: Path) -> bool:
    try:
        end = subprocess.run(
            [str(python), "-I", "-S", "-c", "pass"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            timeout=START_SECONDS,
            check=False,
            env={},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return end.returncode == 0


def _still_there(path: Path, usage: int) -> bool:
    with suppress(OSError):
        return os.path.samestat((path / USAGE_NAME).stat(), os.fstat(usage))
    return False


def _gone(path: Path) -> EnvironmentGone:
    return EnvironmentGone(
        f"environment {path.name} was reclaimed before it was used", "build it again"
    )
