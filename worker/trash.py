"""Where environments go before they are deleted, so that none is ever half there."""

import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from worker.deep_folders import remove_deep
from worker.environment import EnvironmentGone, open_usage
from worker.pinned import pinned


class Trash:
    """A directory beside the environments; what is in it has lost its name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def take(self, path: Path) -> None:
        """Move a folder here; whoever uses it keeps its files until `empty` finds it unused."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path.rename(self._directory / f"{path.name}.{secrets.token_hex(4)}")

    def take_unused(self, environment: Path) -> bool:
        """Move an environment here unless it is in use."""
        try:
            with open_usage(environment) as usage:
                fcntl.flock(usage, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.take(environment)
        except (BlockingIOError, EnvironmentGone):
            return False
        return True

    def empty(self) -> None:
        """Delete what is here and not in use."""
        if not self._directory.is_dir():
            return
        for path in sorted(self._directory.iterdir()):
            if _unused(path):
                # A tool that outlived its worker may still be writing: the next pass has the rest.
                delete(path)


def delete(tree: Path) -> None:
    """Delete a folder as far as that goes: closed folders, and those deeper than a stack of calls.

    Build code may have made both.
    """
    with suppress(RecursionError):
        _open_folders(tree)
        shutil.rmtree(tree, ignore_errors=True)
    if os.path.lexists(tree):
        with suppress(OSError), pinned(tree) as here:
            remove_deep(here)
        with suppress(OSError):
            tree.rmdir()


def _open_folders(tree: Path) -> None:
    with suppress(OSError):
        tree.chmod(0o700)
    for folder, names, _ in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)


def _unused(path: Path) -> bool:
    try:
        with open_usage(path) as usage:
            fcntl.flock(usage, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except EnvironmentGone:
        return True
    return True
