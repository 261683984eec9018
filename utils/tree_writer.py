"""Writes the files of a commit into a new directory, read-only."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from utils.failpoints import failpoint
from utils.objects import Objects
from utils.tree import EXECUTABLE, CheckedTree, TreeEntry, shown

# What a file system may refuse about one name, and not about the whole commit.
_REFUSED_NAMES = (FileExistsError, NotADirectoryError, IsADirectoryError)
_NAME_TOO_LONG = 36
# All files carry this time, the first one that every archive can hold: another one tells that
# somebody wrote to a file since.
_WRITTEN_AT_NS = 315_532_800 * 10**9


@dataclass(frozen=True)
class Base:
    """An earlier commit's directory; files whose paths are not in `differing` are linked to."""

    path: Path
    differing: frozenset[str]


def write_tree(
    tree: CheckedTree, objects: Objects, directory: Path, base: Base | None = None
) -> CheckedTree:
    """Write a commit into an empty directory; return what was written of it.

    Files come first, links last, and nothing is ever opened twice: no name can lead out.
    """
    writer = _Writer(directory)
    new = [entry for entry in tree.files if not (base and writer.link_file(entry, base))]
    failpoint("snapshot-linked")
    with objects.blobs(entry.object_id for entry in new) as blobs:
        for count, (entry, chunks) in enumerate(zip(new, blobs, strict=True)):
            writer.write_file(entry, chunks)
            if count == 2:
                failpoint("snapshot-half-written")
    for path in tree.submodules:
        writer.make_folder(path)
    for path, target in tree.links.items():
        writer.make_link(path, target)
    writer.close_folders()
    return replace(tree, left_out={**tree.left_out, **writer.refused})


class _Writer:
    """Makes files below one directory and notes the names that its file system refuses."""

    def __init__(self, directory: Path) -> None:
        self.refused: dict[str, str] = {}
        self._root = os.fspath(directory)
        self._folders = {""}

    def link_file(self, entry: TreeEntry, base: Base) -> bool:
        """Give a file of `base` a second name here; False where it must be written instead."""
        if entry.path in base.differing:
            return False
        here, there = f"{self._root}/{entry.path}", f"{base.path}/{entry.path}"
        try:
            if not _is_as_written(os.lstat(there), entry):
                return False
            self._make_parents(entry.path)
            os.link(there, here, follow_symlinks=False)
        except OSError:
            return False
        return True

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
        try:
            for chunk in chunks:
                _write_all(descriptor, chunk)
            os.utime(descriptor, ns=(_WRITTEN_AT_NS, _WRITTEN_AT_NS))
        finally:
            os.close(descriptor)

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
            path = f"{self._root}/{folder}"
            os.chmod(path, os.stat(path).st_mode & 0o555)  # noqa: PTH101, PTH116 - same

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


def _is_as_written(found: os.stat_result, entry: TreeEntry) -> bool:
    """Tell whether nobody has changed a file since `write_file` made it.

    No write bit keeps root from writing, nor a job that sets one; its time tells of both.
    """
    return (
        stat.S_ISREG(found.st_mode)
        and not found.st_mode & 0o222
        and bool(found.st_mode & 0o100) == (entry.mode == EXECUTABLE)
        and found.st_size == entry.size_bytes
        and found.st_mtime_ns == _WRITTEN_AT_NS
    )


def _write_all(descriptor: int, chunk: bytes) -> None:
    written = os.write(descriptor, chunk)
    while written < len(chunk):
        written += os.write(descriptor, chunk[written:])
