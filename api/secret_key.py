"""The key that seals secrets at rest: a file of its own, made once, readable by its owner alone."""

import os
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet

from utils.errors import TruelineError
from utils.files import sync_directory


class SecretKeyError(TruelineError):
    """The key file is missing or cannot be used."""


def read_key(path: Path) -> MultiFernet:
    """Read the keys, one a line; the first seals, all open. Raises SecretKeyError."""
    try:
        lines = path.read_text("ascii").split()
        return MultiFernet([Fernet(line) for line in lines])
    except (OSError, ValueError) as error:
        raise SecretKeyError(
            f"the key of the stored secrets, {path}, cannot be used",
            "restore the file from the backup that belongs to the database, or set the secrets "
            "of every deployment again",
        ) from error


def make_key(path: Path) -> None:
    """Make the key file when there is none; of several makers at once exactly one wins."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _link_first(Path(beside), path)
    finally:
        Path(beside).unlink()


def _link_first(beside: Path, path: Path) -> None:
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return
    sync_directory(path.parent)
