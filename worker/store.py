"""What environments share: each package, the SDK and the bare environment, kept once."""

import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from utils.failpoints import failpoint
from worker.environment import STORE
from worker.errors import WorkerError
from worker.key_locks import KeyLocks
from worker.link_farm import LinkFarm
from worker.placement import Tree
from worker.trash import Trash
from worker.tree_marks import TreeMarks

MARKS = "store-marks"
LINKS = "store-links"
TOO_SECRET_TO_LIST = 0o311  # a job may open what its environment names, and see no other's packages


class NotAsPublished(WorkerError):  # noqa: N818 - reads as what was found
    """A folder that was to be stored has other content than its author published."""


@dataclass(frozen=True)
class Taken:
    """A folder to be stored: some files must have the `hashes`, the rest is as in TreeMarks."""

    path: Path
    prefix: str = ""
    is_open: bool = False
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """What has to be made; `was_damaged` says that some of it was there and had been changed."""

    names: frozenset[str]
    was_damaged: bool


Make = Callable[[Missing], Mapping[str, Taken]]


class Store:
    """Folders that are made once under a lock each, renamed into place, and never changed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / STORE
        self._marks = directory / MARKS
        self.links = LinkFarm(directory / LINKS)
        self._users = directory / "held" / "store.users"
        self._key_locks = KeyLocks(directory / "held")
        self._trash = Trash(directory / "trash")
        self._whole: dict[str, Tree] = {}  # what was looked over in this process

    def find(self, name: str) -> Tree | None:
        """Return a folder that is there and whole; it is looked over at its first use."""
        path = self.directory / name
        known = self._whole.get(name)
        if known is not None and path.is_dir():
            return known
        marks = TreeMarks.read(self._marks_of(name))
        if marks is None or marks.difference(path):
            return None
        self._whole[name] = Tree(path, marks.prefix, marks.is_open)
        return self._whole[name]

    def provide(self, names: Iterable[str], make: Make, wait_seconds: float) -> list[Tree]:
        """Return the folders of these names, in their order; those that are missing are made.

        Raises NotAsPublished; what was made before that is kept.
        """
        names = list(names)
        missing = {name for name in names if self.find(name) is None}
        with ExitStack() as stack:
            for name in sorted(missing):  # one order for all: nobody waits in a circle
                stack.enter_context(self._key_locks.held(f"store-{name}", wait_seconds))
            missing = {name for name in missing if self.find(name) is None}
            if missing:
                was_damaged = any((self.directory / name).is_dir() for name in missing)
                for name, taken in make(Missing(frozenset(missing), was_damaged)).items():
                    self._take(name, taken)
        for name in names:
            os.utime(self._marks_of(name))
        return [self._whole[name] for name in names]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep everything from being reclaimed while an environment is made."""
        with _lock(self._users, fcntl.LOCK_SH):
            yield

    def reclaim(
        self, used: Callable[[], Collection[str] | None], grace_seconds: float
    ) -> list[str]:
        """Remove what is neither used nor young.

        Nothing goes while an environment is being made, or when `used` cannot tell.
        """
        try:
            with _lock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB):
                names = used()
                return [] if names is None else self._reclaim(names, grace_seconds)
        except BlockingIOError:
            return []

    def _reclaim(self, used: Collection[str], grace_seconds: float) -> list[str]:
        removed = []
        marks = sorted(self._marks.iterdir()) if self._marks.is_dir() else []
        for path in marks:
            if path.name in used or time.time() - path.stat().st_mtime < grace_seconds:
                continue
            self._whole.pop(path.name, None)
            self._set_aside(path.name)
            if (self.links.directory / path.name).is_dir():
                self._trash.take(self.links.directory / path.name)
            path.unlink()
            removed.append(path.name)
        return removed

    def _take(self, name: str, taken: Taken) -> None:
        """Store a folder. Its marks come first: a folder without any could not be reclaimed."""
        close(taken.path)
        marks = TreeMarks.of(taken.path, taken.prefix, is_open=taken.is_open)
        if other := marks.unlike(taken.hashes):
            raise NotAsPublished(
                f"{other} of {name} is not what its author published",
                "remove the package cache below TRUELINE_DATA_DIR; the next sync tries again",
            )
        self._set_aside(name)
        self._marks.mkdir(parents=True, exist_ok=True)
        beside = self._marks / f".{name}"
        beside.write_bytes(marks.rendered())
        beside.replace(self._marks_of(name))
        failpoint("store_marked")
        self.directory.mkdir(mode=TOO_SECRET_TO_LIST, parents=True, exist_ok=True)
        taken.path.rename(self.directory / name)
        failpoint("store_named")
        self._whole[name] = Tree(self.directory / name, taken.prefix, taken.is_open)

    def _set_aside(self, name: str) -> None:
        if (self.directory / name).is_dir():
            self._trash.take(self.directory / name)

    def _marks_of(self, name: str) -> Path:
        return self._marks / name


def close(tree: Path) -> None:
    """Take all write bits below a folder; its own stays, so that it can be moved."""
    for folder, _, files in os.walk(tree):
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o555)
        if folder != str(tree):
            Path(folder).chmod(0o555)


@contextmanager
def _lock(path: Path, how: int) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
