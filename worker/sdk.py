"""The SDK's files, read once, as they go into every environment."""

import compileall
import hashlib
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from worker.errors import WorkerError

BYTECODE = "__pycache__"


@dataclass(frozen=True)
class Sdk:
    """The Python files of `utils/` by name; `digest` changes with any name or content."""

    files: Mapping[str, bytes]
    digest: str

    @property
    def sizes_bytes(self) -> dict[str, int]:
        """How long each file is."""
        return {name: len(content) for name, content in self.files.items()}

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the Python files that lie directly in `folder`."""
        try:
            files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.py"))}
        except OSError as error:
            raise WorkerError(
                f"the SDK in {folder} cannot be read: {error.strerror}", "install Trueline again"
            ) from error
        if not files:
            raise WorkerError(f"there is no SDK in {folder}", "install Trueline again")
        return cls(MappingProxyType(files), _digest(files))

    def put_into(self, environment: Path, store: Path) -> None:
        """Place the files in `<environment>/sdk/utils/`, as read-only links into `store`.

        `store` keeps one copy a digest, with its bytecode: forty links cost less than forty
        files, and no environment's first job has to compile them.
        """
        kept = store / self.digest
        if not kept.is_dir():
            self._keep(kept)
        folder = environment / "sdk" / "utils"
        (folder / BYTECODE).mkdir(parents=True)
        for name, content in self.files.items():
            if not _linked(kept / name, folder / name, len(content)):
                _write(folder / name, content)
        for compiled in (kept / BYTECODE).glob("*.pyc"):
            with suppress(OSError):  # bytecode that is missing is only slower
                (folder / BYTECODE / compiled.name).hardlink_to(compiled)

    def _keep(self, kept: Path) -> None:
        beside = kept.with_name(f".{kept.name}.{secrets.token_hex(4)}")
        beside.mkdir(parents=True)
        for name, content in self.files.items():
            _write(beside / name, content)
        compileall.compile_dir(beside, quiet=2)
        for compiled in (beside / BYTECODE).glob("*.pyc"):
            compiled.chmod(0o444)
        try:
            beside.rename(kept)
        except OSError:  # somebody else kept the same files meanwhile
            shutil.rmtree(beside)


def _linked(source: Path, target: Path, size_bytes: int) -> bool:
    """Link a kept file, unless it is gone, damaged or linked as often as the disk allows."""
    try:
        if source.stat().st_size != size_bytes:
            return False
        target.hardlink_to(source)
    except OSError:
        return False
    return True


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o444)


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
