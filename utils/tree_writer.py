"""Writes the files of a commit into a new directory, read-only, and through to the disk."""

import ctypes
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from utils.failpoints import failpoint
from utils.objects import Objects
from utils.tree import EXECUTABLE, CheckedTree, TreeEntry, shown

# What a file system may refuse about one name, and not about the whole commit.
_REFUSED_NAMES = (FileExistsError, NotADirectoryError, IsADirectoryError)
_NAME_TOO_LONG = 36


def write_tree(tree: CheckedTree, objects: Objects, directory: Path) -> CheckedTree:
    """Write a commit into an empty directory; return what was written of it.

    Files come first, links last, and nothing is ever opened twice: no name can lead out.
    """
    writer = _Writer(directory)
    with objects.blobs(entry.object_id for entry in tree.files) as blobs:
        for count, (entry, chunks) in enumerate(zip(tree.files, blobs, strict=True)):
            writer.write_file(entry, chunks)
            if count == 2:
                failpoint("snapshot-half-written")
    for path in tree.submodules:
        writer.make_folder(path)
    for path, target in tree.links.items():
        writer.make_link(path, target)
    writer.close_folders()
    _sync(directory)
    return replace(tree, left_out={**tree.left_out, **writer.refused})


class _Writer:
    """Makes files below one directory and notes the names that its file system refuses."""

    def __init__(self, directory: Path) -> None:
        self.refused: dict[str, str] = {}
        self._root = os.fspath(directory)
        self._folders = {""}

    def write_file(self, entry: TreeEntry, chunks: Iterator[bytes]) -> None:
        mode = 0o555 if entry.mode == EXECUTABLE else 0o444
        try:
            self._make_parents(entry.path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(f"{self._root}/{entry.path}", flags, mode)
        except OSError as error:
            self._note(entry.path, error)
            for _ in chunks:
                pass
            return
        with os.fdopen(descriptor, "wb") as file:  # buffered: it writes all or raises
            for chunk in chunks:
                file.write(chunk)

    def make_folder(self, path: str) -> None:
        try:
            self._make_parents(f"{path}/")
        except OSError as error:
            self._note(path, error)

    def make_link(self, path: str, target: str) -> None:
        try:
            self._make_parents(path)
            os.symlink(target, f"{self._root}/{path}")  # noqa: PTH211 - paths are strings here
        except OSError as error:
            self._note(path, error)

    def close_folders(self) -> None:
        for folder in self._folders:
            path = Path(self._root, folder)
            path.chmod(path.stat().st_mode & 0o555)

    def _make_parents(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder in self._folders:
            return
        self._make_parents(folder)
        try:
            os.mkdir(f"{self._root}/{folder}", 0o755)  # noqa: PTH102 - paths are strings here
        except FileExistsError:
            # On a file system that ignores case, or a tree that lists a name twice.
            if not os.path.isdir(f"{self._root}/{folder}"):  # noqa: PTH112 - same
                raise
        self._folders.add(folder)

    def _note(self, path: str, error: OSError) -> None:
        if not isinstance(error, _REFUSED_NAMES) and error.errno != _NAME_TOO_LONG:
            raise error
        self.refused[path] = f"{shown(path)} cannot be written: {error.strerror}"


def _sync(directory: Path) -> None:
    """Write everything through in one call: an fsync for each of thousands of files takes long."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "the disk did not take the files")
    finally:
        os.close(descriptor)
