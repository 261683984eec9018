"""A task's data where it is too large for an event: a file of JSON text in the job's directory."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from utils.events import write_whole

INLINE_BYTES = 256 * 1024  # what takes less travels in the task's event
ANNOUNCED_BYTES = 1024 * 1024  # written between two announcements

Announce = Callable[[int, int], None]


class LargeData(NamedTuple):
    """Where a task's data is; `number` names its file beside the spool of results."""

    path: str
    number: int
    size_bytes: int

    def read(self) -> Any:
        """Return the data; what changes in it changes for the caller alone."""
        with open(self.path, "rb") as file:  # noqa: PTH123 - pathlib costs each job 6 ms
            return json.load(file)


class DataFile:
    """One task's data on its way to disk; `announce` hears its number and how far it is."""

    def __init__(self, spool: str, announce: Announce) -> None:
        self._descriptor, self.number = _new_file(spool)
        self.path = data_path(spool, self.number)
        self._announce = announce
        self._size_bytes = 0
        self._announced_bytes = 0

    def write(self, piece: bytes) -> None:
        """Add a piece of JSON text."""
        write_whole(self._descriptor, piece)
        self._size_bytes += len(piece)
        if self._size_bytes - self._announced_bytes >= ANNOUNCED_BYTES:
            self._announced_bytes = self._size_bytes
            self._announce(self.number, self._size_bytes)

    def finish(self) -> LargeData:
        """Return what is there now, whole."""
        os.close(self._descriptor)
        return LargeData(self.path, self.number, self._size_bytes)

    def discard(self) -> None:
        """Remove it: the data cannot be recorded."""
        with suppress(OSError):
            os.close(self._descriptor)
            os.unlink(self.path)  # noqa: PTH108 - pathlib costs each job 6 ms


def data_path(spool: str, number: int) -> str:
    """Return the path of a data file beside a spool."""
    return f"{spool}.{number}"


def _new_file(spool: str) -> tuple[int, int]:
    number = 0
    while True:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            return os.open(data_path(spool, number), flags, 0o600), number
        except FileExistsError:  # of an earlier task
            number += 1
