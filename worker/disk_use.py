"""How much a job keeps on disk."""

import errno
import os

BLOCK_BYTES = 512  # the unit of st_blocks, whatever the file system's is


def used_bytes(directory: str, enough_bytes: int) -> int:
    """Return what the files below a directory take; stops once that is more than enough.

    Folders vanish and change while they are read, and a job may lock its own: what cannot be read
    is not counted, but for a folder with a path that is too long: no program needs one, and it
    counts as more than enough.
    """
    total, folders = 0, [directory]
    while folders and total <= enough_bytes:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    total += _size_bytes(entry)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return enough_bytes + 1
    return total


def _size_bytes(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
    except OSError:
        return 0
