"""The SDK's files, read once, as they go into every environment."""

import compileall
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from worker.errors import WorkerError
from worker.placement import Tree
from worker.store import Missing, Store, Taken

NAME_DIGITS = 24


@dataclass(frozen=True)
class Sdk:
    """The Python files of `utils/` by path; `digest` changes with any path or content."""

    files: Mapping[str, bytes]
    digest: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the Python files of `folder` and of the packages in it."""
        try:
            files = {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in sorted(folder.rglob("*.py"))
            }
        except OSError as error:
            raise WorkerError(
                f"the SDK in {folder} cannot be read: {error.strerror}", "install Trueline again"
            ) from error
        if not files:
            raise WorkerError(f"there is no SDK in {folder}", "install Trueline again")
        return cls(MappingProxyType(files), _digest(files))

    def stored_in(self, store: Store, beside: Path, wait_seconds: float) -> Tree:
        """Return the files as `sdk/utils/` with their bytecode, kept once for all environments.

        Where they are missing they are written below `beside` first.
        """
        name = f"sdk-{self.digest[:NAME_DIGITS]}"

        def make(_missing: Missing) -> dict[str, Taken]:
            folder = beside / "sdk-tree" / "sdk" / "utils"
            folder.mkdir(parents=True)
            for file, content in self.files.items():
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_bytes(content)
            compileall.compile_dir(folder, quiet=2)
            return {name: Taken(beside / "sdk-tree")}

        return store.provide([name], make, wait_seconds)[0]


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
