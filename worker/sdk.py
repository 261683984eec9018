"""The SDK's files, read once, as they go into every environment."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from worker.errors import WorkerError


@dataclass(frozen=True)
class Sdk:
    """The Python files of `utils/` by name; `digest` changes with any name or content."""

    files: Mapping[str, bytes]
    digest: str

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

    def copy_to(self, environment: Path) -> None:
        """Write the files into `<environment>/sdk/utils/`, read-only."""
        folder = environment / "sdk" / "utils"
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            path = folder / name
            path.write_bytes(content)
            path.chmod(0o444)


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
