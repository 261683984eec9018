"""Locks by name that hold across threads and processes and end with whoever holds them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class KeyLocks:
    """One lock file a name. The kernel frees a dead owner's lock; children do not inherit it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def held(self, name: str, wait_seconds: float) -> Iterator[None]:
        """Hold the lock; raises TimeoutError when it is not free in time."""
        lock = self._lock(name)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise TimeoutError(f"{name} was locked for {wait_seconds:g} seconds") from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def held_if_free(self, name: str) -> Iterator[bool]:
        """Hold the lock when nobody has it, and say whether that is so."""
        lock = self._lock(name)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _lock(self, name: str) -> FileLock:
        self._directory.mkdir(parents=True, exist_ok=True)
        return FileLock(self._directory / f"{name}.lock", thread_local=False)
