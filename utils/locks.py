"""Locks between processes: free as soon as their owner is gone, and never waited for for ever."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from utils.errors import SourceError


class LockTaken(TimeoutError):  # noqa: N818 - reads as the state it reports
    """Another owner kept a lock for the whole wait."""


@contextmanager
def held_lock(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock file `path`; raises LockTaken when another owner keeps it too long.

    It is an flock, which programs that are started meanwhile do not inherit.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(path, fallback_to_soft=False, thread_local=False)
    try:
        lock.acquire(timeout=wait_seconds, blocking=wait_seconds > 0)
    except Timeout:
        raise LockTaken(f"{path.name} was locked for {wait_seconds:g} seconds") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def source_lock(path: Path, wait_seconds: float, about: str) -> Iterator[None]:
    """Hold a lock on what belongs to a source; raises SourceError instead of LockTaken."""
    with ExitStack() as stack:
        try:
            stack.enter_context(held_lock(path, wait_seconds))
        except LockTaken:
            raise SourceError(
                f"{about}: another process has been at work on it for {wait_seconds:g} s",
                f"wait for it or end it; it holds {path}",
            ) from None
        yield
