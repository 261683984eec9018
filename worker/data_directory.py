"""The worker's data directory: where each thing lies, and the lock that keeps it to one worker."""

import fcntl
import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from utils.errors import SettingsError
from utils.files import make_data_directory, write_durably
from worker.errors import WorkerError

HEARTBEAT_FILE = "worker.json"


class DataDirectoryInUse(WorkerError):  # noqa: N818 - reads as the state it reports
    """Another worker runs on this data directory."""


@dataclass(frozen=True)
class DataDirectory:
    """One worker's directory, locked until `close`. Other programs may keep files beside it."""

    root: Path
    worker: str
    lock_descriptor: int

    @classmethod
    def open(cls, root: Path) -> Self:
        """Make the directory where it is missing, lock it, and name the worker that lives in it."""
        try:
            make_data_directory(root)
            descriptor = _lock(root)
            return cls(root, _worker_name(root), descriptor)
        except OSError as error:
            raise SettingsError(
                f"data directory {root} cannot be used: {error.strerror}",
                "make it writable for this user, or set TRUELINE_DATA_DIR to another directory",
            ) from error

    @property
    def outbox(self) -> Path:
        """Reports that the API has not confirmed yet."""
        return self.root / "outbox.db"

    @property
    def large(self) -> Path:
        """Large data that reports speak of."""
        return self.root / "outbox-data"

    @property
    def catalogue(self) -> Path:
        """The last good commit and environment of each integration."""
        return self.root / "catalogue.json"

    @property
    def jobs(self) -> Path:
        """Private directories of running jobs."""
        return self.root / "jobs"

    @property
    def heartbeat(self) -> Path:
        """What the worker last said about itself."""
        return self.root / HEARTBEAT_FILE

    def close(self) -> None:
        """Let another worker have the directory."""
        os.close(self.lock_descriptor)


def _lock(root: Path) -> int:
    descriptor = os.open(root / "worker.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise DataDirectoryInUse(
            f"another worker (process {holder}) runs on data directory {root}",
            "stop that one, or give this one a TRUELINE_DATA_DIR of its own",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return descriptor


def _worker_name(root: Path) -> str:
    path = root / "worker-id"
    try:
        known = path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        known = ""
    if not known:
        known = uuid.uuid4().hex[:8]
        write_durably(path, f"{known}\n".encode())
    return f"{socket.gethostname()}-{known}"[:200]
