"""The private directories of running jobs: one a job, removed at its end or at the next start.

To remove a folder takes some file systems milliseconds. So one that a job leaves as it got it, but
for files in it, is emptied and gets another name for another job.
"""

import fcntl
import os
import secrets
import stat
import tempfile
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from worker.deep_folders import remove_deep
from worker.pinned import pinned

_PREFIX = "run-"
_GROUP_PREFIX = "of-"
_JOB_PREFIX = "job-"
_HOME, _TEMPORARY = "home", "tmp"
_OWNER_ALONE = 0o700
_MOST_SPARES = 8  # of one integration
_LOCK = "lock"
_ACCESS_LIST = "system.posix_acl_"


@dataclass(frozen=True)
class JobDirectory:
    """One job's: the child works here, and nobody else looks in."""

    path: Path

    @property
    def group(self) -> Path:
        """Where it lies, with those of other jobs of its integration."""
        return self.path.parent

    @property
    def home(self) -> Path:
        """The child's HOME."""
        return self.path / _HOME

    @property
    def temporary(self) -> Path:
        """The child's TMPDIR."""
        return self.path / _TEMPORARY

    @property
    def spool(self) -> Path:
        """The results so far, for a child that takes the job over."""
        return self.path / "results.jsonl"

    @property
    def is_its_own(self) -> bool:
        """Whether it is still a folder: a link in its place could lead a sandbox elsewhere."""
        return self.path.is_dir() and not self.path.is_symlink()

    def empty(self) -> None:
        """Remove everything but the results so far, and begin anew; no child may run any more.

        Raises OSError when it is not what it was.
        """
        with pinned(self.path) as here:
            here.chmod(_OWNER_ALONE)
            for path in here.iterdir():
                if path.is_dir() and not path.is_symlink():
                    _remove(path)
                elif not path.name.startswith(self.spool.name):  # nor the data beside it
                    path.unlink(missing_ok=True)
            _prepare(here)

    def renew(self) -> bool:
        """Remove the files in it; False when it is not as it was made. No child may run any more.

        Then it is to be removed.
        """
        kept = (self.home.name, self.temporary.name)
        try:
            with pinned(self.path) as here:
                return _renew(here, kept) and all(_renew_inner(here / name) for name in kept)
        except OSError:
            return False

    def remove(self) -> None:
        """Remove it; what cannot be removed now goes with its executor, or at the next start."""
        _remove(self.path)


class JobDirectories:
    """One executor's part of the work directory, locked for as long as its process lives."""

    def __init__(self, path: Path, lock: int) -> None:
        self._path = path
        self._lock = lock
        self._changing = threading.Lock()
        self._spares: dict[Path, list[JobDirectory]] = {}

    @classmethod
    def open(cls, work_dir: Path) -> Self:
        """Take a part of `work_dir` for this process."""
        work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=work_dir.resolve()))
            lock = _lock(path)
            if lock is None:
                continue  # another process swept it before it was locked
            if (path / _LOCK).exists():
                return cls(path, lock)
            os.close(lock)

    @contextmanager
    def new(self, integration: str) -> Iterator[JobDirectory]:
        """Make a job's directory; it is removed at the end."""
        directory = self.make(integration)
        try:
            yield directory
        finally:
            directory.remove()

    def make(self, integration: str) -> JobDirectory:
        """Make a directory beside those of other jobs of the integration."""
        group = self._path / f"{_GROUP_PREFIX}{integration}"
        _restore(group)
        return self._renamed_spare(group) or _make(group)

    def make_spare(self, integration: str) -> None:
        """Make one ahead for the integration's first job, where that can be done now."""
        with suppress(OSError):
            spare = self.make(integration)
            if not self._keep(spare):
                spare.remove()

    def take_back(self, directory: JobDirectory) -> None:
        """Give a directory of a job that went well to another job later, or remove it."""
        if directory.renew() and self._keep(directory):
            return
        directory.remove()

    def _keep(self, directory: JobDirectory) -> bool:
        with self._changing:
            spares = self._spares.setdefault(directory.group, [])
            if len(spares) >= _MOST_SPARES:
                return False
            spares.append(directory)
            return True

    def _renamed_spare(self, group: Path) -> JobDirectory | None:
        with self._changing:
            spares = self._spares.get(group)
            if not spares:
                return None
            spare = spares.pop()
        renamed = JobDirectory(group / f"{_JOB_PREFIX}{secrets.token_hex(8)}")
        try:
            spare.path.rename(renamed.path)
        except OSError:
            return None
        return renamed

    def close(self) -> None:
        """Remove this part."""
        _remove(self._path)
        os.close(self._lock)


def sweep(work_dir: Path) -> list[str]:
    """Remove what processes that are gone left in `work_dir`; return the names removed."""
    removed = []
    for path in sorted(work_dir.glob(f"{_PREFIX}*")):
        lock = _lock(path)
        if lock is not None:
            _remove(path)
            os.close(lock)
            removed.append(path.name)
    return removed


def _make(group: Path) -> JobDirectory:
    group.mkdir(mode=_OWNER_ALONE, exist_ok=True)
    directory = JobDirectory(Path(tempfile.mkdtemp(prefix=_JOB_PREFIX, dir=group)))
    _prepare(directory.path)
    return directory


def _prepare(folder: Path) -> None:
    """Make the folders that a child finds in it."""
    for inner in (_HOME, _TEMPORARY):
        (folder / inner).mkdir(mode=_OWNER_ALONE)


def _restore(group: Path) -> None:
    """Undo what a job did to the folder around its own: it may be forbidden all but that."""
    with suppress(OSError):  # it is not there yet
        if stat.S_IMODE(group.stat().st_mode) != _OWNER_ALONE:
            group.chmod(_OWNER_ALONE)
        for name in os.listxattr(group) if hasattr(os, "listxattr") else ():
            if name.startswith(_ACCESS_LIST):
                os.removexattr(group, name)


def _renew_inner(folder: Path) -> bool:
    with pinned(folder) as here:
        return _renew(here)


def _renew(folder: Path, kept: Collection[str] = ()) -> bool:
    """Remove the files of a pinned folder; False when it has others in it or was changed itself."""
    found = folder.stat()
    if stat.S_IMODE(found.st_mode) != _OWNER_ALONE:
        return False
    if found.st_uid != os.geteuid() or not hasattr(os, "listxattr") or os.listxattr(folder):
        return False
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in kept:
                    return False
            else:
                Path(entry).unlink()
    return True


def _lock(path: Path) -> int | None:
    """Lock a part; None when its process lives, or when the part is gone."""
    with suppress(FileNotFoundError):
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        os.close(lock)
    return None


def _remove(path: Path) -> None:
    # What cannot be removed now (foreign files) is tried at the next start.
    with suppress(OSError), pinned(path) as here:
        remove_deep(here)
    with suppress(OSError):
        path.rmdir()
    with suppress(OSError):
        path.unlink()  # it was something else by now, as a link
