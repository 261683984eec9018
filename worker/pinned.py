"""Reaches a job's folder so that nobody leads elsewhere: a link in its place is never followed.

Jobs that share a sandbox can be made to change the folders of each other by their author; see
`docs/operating.md`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def pinned(folder: Path) -> Iterator[Path]:
    """Yield a path of the folder that stays its own whatever is renamed; raises OSError."""
    descriptor = _open_folder(folder)
    try:
        yield Path(f"/proc/self/fd/{descriptor}") if sys.platform == "linux" else folder
    finally:
        os.close(descriptor)


def open_pinned(path: str | Path, flags: int, mode: int = 0o600) -> int:
    """Open a file that is no link, in a folder that is none; raises OSError."""
    folder, name = os.path.split(path)
    descriptor = _open_folder(folder)
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _open_folder(folder: str | Path) -> int:
    # To read a folder its mode must allow it; to hold on to it nothing is needed.
    return os.open(folder, _FOLDER | (os.O_PATH if sys.platform == "linux" else os.O_RDONLY))
