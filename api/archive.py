"""The file of a backup: a tar in Zstandard, with the checksum of every part in its last one."""

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from utils.errors import TruelineError
from utils.files import sync_directory
from utils.zstd import ZstdError, ZstdFile

MANIFEST = "manifest.json"  # the last part: a file that was cut off has none
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
    """Write a backup that gets its name, and nobody else's eyes, when it is whole and on disk."""
    try:
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
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
        Path(beside).replace(path)
        sync_directory(path.parent)
    except OSError as error:
        Path(beside).unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    except BaseException:
        Path(beside).unlink(missing_ok=True)
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
