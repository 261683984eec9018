"""The keys that seal secrets at rest: from a file that is made once, or from the environment."""

import hashlib
import os
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from utils.errors import SettingsError, TruelineError
from utils.files import sync_directory, write_durably
from utils.settings import Settings

DEFAULT_FILE = "secret.key"
IN_ENVIRONMENT = "TRUELINE_SECRET_KEY"
_Seen = tuple[int, int, int]


class SecretKeyError(TruelineError):
    """A key of the stored secrets is missing or cannot be used."""


@dataclass(frozen=True)
class Key:
    """One key; its id is told to people and stands before all that it has sealed."""

    id: str
    fernet: Fernet = field(repr=False, compare=False)
    text: str = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "Key":
        """Read a key; raises ValueError."""
        return cls(hashlib.sha256(text.encode()).hexdigest()[:12], Fernet(text), text)


class Keyring:
    """The keys of this process, the newest first; a file that has changed is read again."""

    def __init__(self, file: Path, given: str = "") -> None:
        self.file = None if given else file
        self._lock = threading.Lock()
        self._seen: _Seen | None = None
        self._keys: tuple[Key, ...] = ()
        if given:
            self._keys = self._parsed(given.replace(",", " "))

    @classmethod
    def of(cls, settings: Settings) -> "Keyring":
        """Open the keys that the settings name."""
        if settings.secret_key and settings.secret_key_file:
            raise SettingsError(
                "settings TRUELINE_SECRET_KEY and TRUELINE_SECRET_KEY_FILE are both set",
                "unset one: the keys are in the environment or in a file",
            )
        file = settings.secret_key_file or settings.data_dir / DEFAULT_FILE
        return cls(file, settings.secret_key)

    @property
    def where(self) -> str:
        """Where the keys are, for people."""
        return IN_ENVIRONMENT if self.file is None else str(self.file)

    def read(self) -> tuple[Key, ...]:
        """Return the keys as they are stored now; raises SecretKeyError."""
        if self.file is None:
            return self._keys
        with self._lock:
            try:
                state = self.file.stat()
                seen = (state.st_ino, state.st_mtime_ns, state.st_size)
                if seen != self._seen:
                    self._keys = self._parsed(self.file.read_text("ascii"))
                    self._seen = seen
            except (OSError, UnicodeError) as error:
                raise self._unusable() from error
            return self._keys

    def known(self) -> tuple[Key, ...]:
        """Return the keys to open with: those read last, where the file is gone or spoilt now."""
        try:
            return self.read()
        except SecretKeyError:
            if self._keys:
                return self._keys
            raise

    def make(self) -> None:
        """Make the key file when there is none; of several makers at once exactly one wins."""
        if self.file is not None and not self.file.exists():
            _make_file(self.file)

    def replace(self, keys: tuple[Key, ...]) -> None:
        """Write the key file anew: a reader, or a power failure, finds the old or the new one."""
        if self.file is None:
            raise SecretKeyError(
                f"{IN_ENVIRONMENT} can only be changed where the process is started",
                "set it there and start again",
            )
        write_durably(self.file, "".join(f"{key.text}\n" for key in keys).encode())
        sync_directory(self.file.parent)

    def _parsed(self, text: str) -> tuple[Key, ...]:
        try:
            keys = tuple(Key.of(line) for line in dict.fromkeys(text.split()))
        except ValueError as error:
            raise self._unusable() from error
        if not keys:
            raise self._unusable()
        return keys

    def _unusable(self) -> SecretKeyError:
        if self.file is None:
            return SecretKeyError(
                f"{IN_ENVIRONMENT} holds no keys that can be used",
                "give keys as `trueline secrets key` prints them, the newest first, separated by "
                "commas",
            )
        return SecretKeyError(
            f"the key of the stored secrets, {self.file}, cannot be used",
            "restore the file from the backup that belongs to the database; when it is lost, see "
            "`trueline secrets forget`",
        )


def new_key() -> Key:
    """Make a key; nothing is written."""
    return Key.of(Fernet.generate_key().decode())


def _make_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{new_key().text}\n".encode())
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
