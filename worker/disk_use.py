"""How much a job keeps on disk."""

import errno
import os
from pathlib import Path

from worker.pinned import pinned

BLOCK_BYTES = 512  # the unit of st_blocks, whatever the file system's is
LEAST_BYTES = 4096  # what each name counts: file systems have room for so many files, too
_HIDING = {errno.ENAMETOOLONG, errno.EACCES, errno.EPERM}


def used_bytes(directory: str, enough_bytes: int) -> int:
    """Return what the files below a directory take; stops once that is more than enough.

    Folders vanish and change while they are read: what is gone is not counted. A folder that hides
    what is in it, by its mode or a path that is too long, counts as more than enough: no program
    needs one.
    """
    try:
        with pinned(Path(directory)) as folder:
            return _used_below(str(folder), enough_bytes)
    except FileNotFoundError:
        return 0
    except OSError:  # it is no folder any more
        return enough_bytes + 1


def _used_below(directory: str, enough_bytes: int) -> int:
    total, folders = 0, [directory]
    while folders and total <= enough_bytes:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    total += _size_bytes(entry)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError as error:
            if error.errno in _HIDING:
                return enough_bytes + 1
    return total


def _size_bytes(entry: os.DirEntry[str]) -> int:
    try:
        used = entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
    except FileNotFoundError:
        return 0
    return max(used, LEAST_BYTES)
