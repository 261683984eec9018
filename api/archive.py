"""The file of a backup: a tar in Zstandard, with the checksum of every part in its last one."""

import fcntl
import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from utils.errors import TruelineError
from utils.files import sync_directory
from utils.zstd import ZstdError, ZstdFile

MANIFEST = "manifest.json"  # the last part: a file that was cut off has none
UNFINISHED = ".trueline-part"  # ends the name of a file until it is whole
MOST_PART_BYTES = 512 * 1024 * 1024


class ArchiveError(TruelineError):
    """The file is no backup, or not a whole one."""


class Archive:
    """A backup being written, part by part."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sums: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        """Add one part."""
        self._sums[name] = hashlib.sha256(content).hexdigest()
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        self._tar.addfile(entry, BytesIO(content))

    def finish(self) -> None:
        """Add the list of parts."""
        self.add(MANIFEST, json.dumps(self._sums).encode())


@contextmanager
def new_archive(path: Path) -> Iterator[Archive]:
    """Write a backup that gets its name, and nobody else's eyes, when it is whole and on disk.

    What killed ones have left in that folder is removed.
    """
    try:
        _sweep(path.parent)
        descriptor, beside = _begin_beside(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            with ZstdFile(file, "w") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
                archive = Archive(tar)
                yield archive
                archive.finish()
            file.flush()
            os.fsync(file.fileno())
            beside.replace(path)  # while it is locked
        sync_directory(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the parts of a backup in order; raises ArchiveError where it is not as it was made."""
    sums: dict[str, str] = {}
    try:
        with ZstdFile(path) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            for entry in tar:
                content = _content(path, tar, entry)
                if entry.name == MANIFEST:
                    _check(path, sums, json.loads(content))
                    return
                sums[entry.name] = hashlib.sha256(content).hexdigest()
                yield entry.name, content
    except FileNotFoundError as error:
        raise ArchiveError(f"there is no file {path}", "check the path") from error
    except (OSError, EOFError, ZstdError, tarfile.TarError, ValueError) as error:
        raise _spoilt(path, "it is cut off or no backup at all") from error
    raise _spoilt(path, "its end is missing")


def _begin_beside(path: Path) -> tuple[int, Path]:
    """Open a file of mode 0600, locked for as long as somebody writes it."""
    while True:
        descriptor, beside = tempfile.mkstemp(UNFINISHED, f".{path.name}.", path.parent)
        with suppress(OSError):  # a file system without locks: then nothing is swept there, either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(beside)
        os.close(descriptor)  # swept before it was locked


def _sweep(folder: Path) -> None:
    for left in folder.glob(f".*{UNFINISHED}"):
        with suppress(OSError):
            descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()


def _content(path: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry) if entry.size <= MOST_PART_BYTES else None
    if file is None:
        raise _spoilt(path, f"{entry.name} is no part of a backup")
    return file.read()


def _check(path: Path, found: Mapping[str, str], said: Any) -> None:
    for name in sorted(set(found) | set(said)):
        if found.get(name) != said.get(name):
            raise _spoilt(path, f"{name} is missing or not what was written")


def _unwritable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(
        f"{path} cannot be written: {error.strerror}", "give a path in a folder with room"
    )


def _spoilt(path: Path, reason: str) -> ArchiveError:
    return ArchiveError(f"{path} cannot be used: {reason}", "take another backup of yours")
