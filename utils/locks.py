"""Locks between processes: free as soon as their owner is gone, and never waited for for ever."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from utils.errors import SourceError


@contextlib.contextmanager
def file_lock(path: Path, wait_seconds: float, about: str) -> Iterator[None]:
    """Hold the lock file `path`; raises SourceError when another process keeps it too long.

    It is an flock, which programs that are started meanwhile do not inherit.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(path, timeout=wait_seconds, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise SourceError(
            f"{about}: another process has been at work on it for {wait_seconds:g} s",
            f"wait for it or end it; it holds {path}",
        ) from None
    try:
        yield
    finally:
        lock.release()
