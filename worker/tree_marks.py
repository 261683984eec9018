"""What every file of a shared folder looked like when it was stored: later changes show."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

Mark = tuple[int, int, int, str]  # size, time of the content, time of any change, sha256
BYTECODE_SUFFIX = ".pyc"


@dataclass(frozen=True)
class TreeMarks:
    """The marks of one folder's files by relative path.

    `prefix` is the place that its scripts name as their interpreter's. `is_open` says that its
    libraries look for others outside of the folder.
    """

    marks: dict[str, Mark]
    prefix: str = ""
    is_open: bool = False

    @classmethod
    def of(cls, tree: Path, prefix: str = "", *, is_open: bool = False) -> Self:
        """Read a folder's files."""
        marks = {name: _mark(tree / name, stat) for name, stat in files_below(tree)}
        return cls(marks, prefix, is_open)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return what was written; None when it is missing or unusable."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            content = json.loads(path.read_bytes())
            marks = {str(name): _checked(mark) for name, mark in content["marks"].items()}
            return cls(marks, str(content["prefix"]), bool(content["is_open"]))
        return None

    def rendered(self) -> bytes:
        """Return what `read` reads."""
        return json.dumps(
            {"prefix": self.prefix, "is_open": self.is_open, "marks": self.marks}
        ).encode()

    def unlike(self, hashes: Mapping[str, str]) -> str:
        """Name a file whose content has another hash than it must have; empty when none has."""
        return next((name for name, one in hashes.items() if self.marks[name][3] != one), "")

    def difference(self, tree: Path) -> str:
        """Say which file is not as it was; empty when all are.

        A file whose times have changed is read: a copied or restored folder is still whole.
        Bytecode that somebody's interpreter left is no difference, and is removed.
        """
        try:
            found = dict(files_below(tree))
        except OSError:
            return f"{tree.name} cannot be read"
        for name in found.keys() - self.marks.keys():
            if not name.endswith(BYTECODE_SUFFIX):
                return f"{name} of {tree.name} was added"
            (tree / name).unlink(missing_ok=True)
        for name, mark in self.marks.items():
            if name not in found or not _is_as_marked(tree / name, found[name], mark):
                return f"{name} of {tree.name} is missing or was changed"
        return ""


def files_below(tree: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield all that is no folder, by relative path; no link is followed."""
    start = len(str(tree)) + 1
    folders = [str(tree)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    yield entry.path[start:], entry.stat(follow_symlinks=False)


def _is_as_marked(path: Path, stat: os.stat_result, mark: Mark) -> bool:
    size, content_time, change_time, digest = mark
    if (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) == (size, content_time, change_time):
        return True
    with suppress(OSError):
        return stat.st_size == size and _digest(path) == digest
    return False


def _mark(path: Path, stat: os.stat_result) -> Mark:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, _digest(path)


def _digest(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(mark: object) -> Mark:
    if not isinstance(mark, list):
        raise TypeError
    size, content_time, change_time, digest = mark
    return int(size), int(content_time), int(change_time), str(digest)
