"""Removes folders that lie deeper in each other than a path or a stack of calls can reach."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_OWNER_ALONE = 0o700


def remove_deep(path: Path) -> None:
    """Remove all that is in a folder; raises OSError. Nobody may change it meanwhile.

    What lies in a folder of it is moved up, again and again, so that no path becomes long.
    """
    moved = 0
    while folders := list(_folders(path)):
        for folder in folders:
            for inner in _folders(folder):
                # The parent of a folder that moves is written into it.
                inner.chmod(_OWNER_ALONE)
                inner.rename(path / f"{os.urandom(8).hex()}-{moved}")
                moved += 1
            folder.rmdir()


def _folders(path: Path) -> Iterator[Path]:
    """Remove the files of a folder, and return the folders in it."""
    path.chmod(_OWNER_ALONE)
    for inner in sorted(path.iterdir()):
        if stat.S_ISDIR(inner.lstat().st_mode):
            yield inner
        else:
            inner.unlink()
