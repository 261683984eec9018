"""An integrations repository as it lies on disk: its manifest and its folders."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cli.exits import Exit
from cli.reading.integration_folder import ENTRY, IntegrationFolder, read_folder
from cli.reading.manifest_file import PlacedEntry, before_a_push, placed_entries, read_bytes
from utils.errors import ManifestError, TruelineError
from utils.manifest import MANIFEST, read_manifest
from utils.tree import INTEGRATIONS


class NoRepository(TruelineError):  # noqa: N818 - reads as the state it reports
    """There is nothing to read at the place that was named."""

    exit_code = Exit.USAGE


class BadManifest(TruelineError):  # noqa: N818 - reads as the state it reports
    """The manifest cannot be used as a whole."""

    exit_code = Exit.USAGE


@dataclass(frozen=True)
class Repository:
    """The folder that holds `integrations.json` and `integrations/`."""

    root: Path

    @cached_property
    def manifest(self) -> bytes | None:
        """The bytes of its manifest; None where there is no file to read."""
        path = self.root / MANIFEST
        try:
            return read_bytes(path) if path.is_file() else None
        except OSError:
            return None

    @cached_property
    def entries(self) -> tuple[PlacedEntry, ...]:
        """The manifest's entries, as far as they can be parsed."""
        return placed_entries(self.manifest or b"")

    @cached_property
    def folder_names(self) -> tuple[str, ...]:
        """The folders below `integrations/` that could be an integration."""
        home = self.root / INTEGRATIONS
        if not home.is_dir():
            return ()
        return tuple(
            sorted(
                path.name
                for path in home.iterdir()
                if path.is_dir() and not path.name.startswith((".", "__"))
            )
        )

    def entry(self, name: str) -> PlacedEntry | None:
        """Return the first entry of that name."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def require_manifest(self) -> None:
        """Raise BadManifest unless the manifest can be used; a bad entry spoils only itself."""
        if self.manifest is None:
            raise BadManifest(f"there is no {MANIFEST} in {self.root}", "write [] into it")
        try:
            read_manifest(self.manifest, self.folder_names)
        except ManifestError as error:
            raise BadManifest(error.reason, before_a_push(error.advice)) from error

    def folders(self) -> Iterator[IntegrationFolder]:
        """Read each folder, one at a time."""
        return (read_folder(self.root, name) for name in self.folder_names)


def find_repository(start: Path) -> Repository:
    """Return the repository at or above a path; raises NoRepository."""
    start = start.resolve()
    for is_top in (_has_manifest, _has_integrations):
        for folder in (start, *start.parents):
            if is_top(folder):
                return Repository(folder)
    raise NoRepository(
        f"there is no {MANIFEST} in {start} or above it",
        "name a checkout of integrations, or begin one with `trueline new NAME`",
    )


def _has_manifest(folder: Path) -> bool:
    return (folder / MANIFEST).exists()


def _has_integrations(folder: Path) -> bool:
    return any((folder / INTEGRATIONS).glob(f"*/{ENTRY}"))
