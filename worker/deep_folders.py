"""Removes folders, also those deeper in each other than a path or a stack of calls can reach."""

import os
import stat
from pathlib import Path

from worker.pinned import pinned

_OWNER_ALONE = 0o700


def remove_deep(path: Path) -> None:
    """Remove all that is in a folder; raises OSError. No link is followed, whoever puts one there.

    What lies in a folder of it is moved up, again and again, so that no path becomes long.
    """
    moved = 0
    while folders := _folders(path):
        for folder in folders:
            with pinned(folder) as here:
                for inner in _folders(here):
                    # The parent of a folder that moves is written into it.
                    with pinned(inner) as itself:
                        itself.chmod(_OWNER_ALONE)
                    inner.rename(path / f"{os.urandom(8).hex()}-{moved}")
                    moved += 1
            folder.rmdir()


def _folders(path: Path) -> list[Path]:
    """Remove the files of a pinned folder, and return the folders in it."""
    path.chmod(_OWNER_ALONE)
    found = []
    for inner in sorted(path.iterdir()):
        if stat.S_ISDIR(inner.lstat().st_mode):
            found.append(inner)
        else:
            inner.unlink()
    return found
