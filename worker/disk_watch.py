"""Watches how much a job keeps on disk, without taking a noticeable part of a processor."""

import os
import time
from pathlib import Path

LOOK_SECONDS = 0.5
LEISURE = 20  # a look that took a second is followed by so many without one
BLOCK_BYTES = 512  # the unit of st_blocks, whatever the file system's is


class DiskWatch:
    """One job's directory; looked at as often as its size allows."""

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self._directory = str(directory)
        self._limit_bytes = limit_bytes
        self.next_look_at = time.monotonic() + LOOK_SECONDS

    def is_exceeded(self, now: float) -> bool:
        """Look, where it is time to; whether its files take more than they may."""
        if now < self.next_look_at:
            return False
        began = time.monotonic()
        size_bytes = used_bytes(self._directory, self._limit_bytes)
        ended = time.monotonic()
        self.next_look_at = ended + max(LOOK_SECONDS, (ended - began) * LEISURE)
        return size_bytes > self._limit_bytes


def used_bytes(directory: str, enough_bytes: int) -> int:
    """Return what the files below a directory take; stops once that is more than enough.

    Folders vanish and change while they are read, and a job may lock its own: what cannot be read
    is not counted.
    """
    total, folders = 0, [directory]
    while folders and total <= enough_bytes:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    total += _size_bytes(entry)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError:
            continue
    return total


def _size_bytes(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
    except OSError:
        return 0
