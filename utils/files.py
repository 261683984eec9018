"""Small files written so that a reader finds the old content or the new one, never a half."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from utils.errors import SettingsError

PRIVATE = 0o077  # a umask


def write_if_changed(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Make `path` hold `content` with `mode`; an unchanged file is left alone."""
    try:
        if path.read_bytes() == content and path.stat().st_mode & 0o777 == mode:
            return
    except FileNotFoundError:
        pass
    write_durably(path, content, mode)


def write_durably(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write beside, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def sync_directory(directory: Path) -> None:
    """Keep the names in a directory for after a power failure."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(directory: Path) -> None:
    """Write through to the disk whatever was written to the file system of a directory.

    One call for thousands of files; it waits for what others have written there, too.
    """
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


def keep_files_private() -> None:
    """Let nobody else read what this process writes; for its start."""
    os.umask(PRIVATE)


@contextmanager
def private_files() -> Iterator[None]:
    """Let nobody else read what this process writes meanwhile."""
    before = os.umask(PRIVATE)
    try:
        yield
    finally:
        os.umask(before)


def make_data_directory(path: Path) -> None:
    """Make the directory that Trueline keeps everything in; git never sees what is inside.

    Raises SettingsError when it cannot be made or written to.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
    except OSError as error:
        raise SettingsError(
            f"data directory {path} cannot be used: {error.strerror}",
            "make it writable for this user, or set TRUELINE_DATA_DIR to another directory",
        ) from error
