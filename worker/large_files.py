"""Large data on its way to the API: one compressed file a task, until the API has recorded it."""

import errno
import hashlib
import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from utils.failpoints import failpoint
from utils.files import sync_directory
from utils.zstd import CompressionParameter, ZstdCompressor

LEVEL = 1
_OPTIONS = {
    int(CompressionParameter.compression_level): LEVEL,
    int(CompressionParameter.checksum_flag): 1,
}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_UNFINISHED = ".part"
TRIES = 100  # to begin a file in a folder that may be removed meanwhile


@dataclass(frozen=True)
class LargeData:
    """What an event says of a task's data that is kept beside it, compressed."""

    sha256: str  # of the compressed bytes
    size_bytes: int
    stored_bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return it as the event holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Attempt:
    """Whose data it is."""

    job_id: str
    attempt: int

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.attempt}-{quote(self.job_id, safe='')}"


class LargeFiles:
    """A folder of folders, one an attempt; nothing of an attempt is kept once that is settled."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def new(self, attempt: Attempt) -> "LargeFile":
        """Begin a file."""
        folder = self.directory / attempt.folder
        for _ in range(TRIES):
            # The sender removes the folder with the last file in it, maybe just now.
            with suppress(FileNotFoundError, FileExistsError):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                return LargeFile(folder)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))

    def path(self, attempt: Attempt, sha256: str) -> Path:
        """Return where a finished file is."""
        return self.directory / attempt.folder / sha256

    def remove(self, attempt: Attempt, sha256: str) -> None:
        """Remove one file."""
        path = self.path(attempt, sha256)
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()  # unless another task's data is there

    def remove_all(self, attempt: Attempt) -> None:
        """Remove all that is left of an attempt."""
        folder = self.directory / attempt.folder
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, keep: Collection[Attempt]) -> list[str]:
        """Remove what belongs to no attempt of `keep`, and what a killed worker left half-made."""
        kept = {attempt.folder for attempt in keep}
        removed = []
        for folder in sorted(self.directory.glob("*")):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
        for part in self.directory.glob(f"*/*{_UNFINISHED}"):
            part.unlink(missing_ok=True)
        return removed


class LargeFile:
    """One file that is being written: compressed, hashed, and durable once it is finished."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._part = folder / f"{os.urandom(8).hex()}{_UNFINISHED}"
        self._file = os.fdopen(os.open(self._part, _NEW, 0o600), "wb")
        self._compressor = ZstdCompressor(options=_OPTIONS)
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        self._stored_bytes = 0

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        self._size_bytes += len(piece)
        self._store(self._compressor.compress(piece))

    def finish(self) -> LargeData:
        """Make it durable, under the name of its hash."""
        self._store(self._compressor.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        failpoint("large_files.before_rename")
        data = LargeData(self._hash.hexdigest(), self._size_bytes, self._stored_bytes)
        self._part.rename(self._folder / data.sha256)
        sync_directory(self._folder)
        return data

    def discard(self) -> None:
        """Remove it: it is not whole and never will be."""
        self._file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)
            self._folder.rmdir()  # unless another task's data is there

    def _store(self, compressed: bytes) -> None:
        if compressed:
            self._hash.update(compressed)
            self._stored_bytes += len(compressed)
            self._file.write(compressed)
