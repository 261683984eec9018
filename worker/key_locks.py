"""Locks by name that hold across threads and processes and end with whoever holds them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from utils.locks import LockTaken, held_lock


class KeyLocks:
    """One lock file a name. The kernel frees a dead owner's lock; children do not inherit it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def held(self, name: str, wait_seconds: float) -> AbstractContextManager[None]:
        """Hold the lock; raises LockTaken when it is not free in time."""
        return held_lock(self._directory / f"{name}.lock", wait_seconds)

    @contextmanager
    def held_if_free(self, name: str) -> Iterator[bool]:
        """Hold the lock when nobody has it, and say whether that is so."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self.held(name, 0))
            except LockTaken:
                yield False
                return
            yield True
