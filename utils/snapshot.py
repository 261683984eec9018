"""Snapshots: the files of one commit as an immutable directory."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from utils.errors import SourceError
from utils.failpoints import failpoint
from utils.files import sync_directory, write_durably
from utils.locks import source_lock
from utils.mirror import Mirror
from utils.objects import Objects
from utils.settings import Settings
from utils.tree import CheckedTree
from utils.tree_writer import write_tree

DEFAULT_MAX_BYTES = 1024**3
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BUILDING = ".building-"


@dataclass(frozen=True)
class Snapshot:
    """A commit's files under `path`, which never change.

    `rejected` maps the folder names of integrations that must not be used to the reason;
    `left_out` maps all paths of the commit that were not written to theirs.
    """

    commit: str
    path: Path
    rejected: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshots:
    """All snapshots of one source, a directory each, shared by processes."""

    mirror: Mirror
    directory: Path
    max_bytes: int = DEFAULT_MAX_BYTES

    def take(self, commit: str) -> Snapshot:
        """Return a commit's snapshot; it is made when there is none yet.

        Raises SourceError for a commit that is too large or cannot be had.
        """
        if self._has(commit):
            return self._read(commit)
        with self._locked():
            self._remove_leftovers()
            if not self._has(commit):
                self.mirror.reading(commit, lambda objects: self._make(commit, objects))
        return self._read(commit)

    def commits(self) -> tuple[str, ...]:
        """Return the commits that have a snapshot."""
        if not self.directory.is_dir():
            return ()
        names = (entry.name for entry in os.scandir(self.directory) if entry.is_dir())
        return tuple(sorted(name for name in names if _COMMIT.fullmatch(name)))

    def discard(self, commit: str) -> None:
        """Remove a snapshot that nothing uses."""
        with self._locked():
            if self._has(commit):
                doomed = tempfile.mkdtemp(prefix=_BUILDING, dir=self.directory)
                (self.directory / commit).rename(doomed)
                self._notes(commit).unlink(missing_ok=True)
            self._remove_leftovers()

    def _has(self, commit: str) -> bool:
        if not _COMMIT.fullmatch(commit):
            raise SourceError(f"{commit[:80]!r} is not a commit", "give its full id")
        return (self.directory / commit).is_dir()

    def _read(self, commit: str) -> Snapshot:
        try:
            notes = json.loads(self._notes(commit).read_bytes())
        except FileNotFoundError:
            notes = {}
        return Snapshot(commit, self.directory / commit, **notes)

    def _make(self, commit: str, objects: Objects) -> None:
        tree = objects.tree(commit)
        self._check_size(commit, tree)
        building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=self.directory))
        try:
            written = write_tree(tree, objects, building)
            failpoint("snapshot-before-rename")
            self._write_notes(commit, written)
            building.rename(self.directory / commit)
            sync_directory(self.directory)
        except OSError as error:
            raise SourceError(
                f"commit {commit[:12]} cannot be written to {self.directory}: {error.strerror}",
                "make room there, or correct its permissions; the next sync tries again",
            ) from error
        finally:
            self._remove_leftovers()

    def _check_size(self, commit: str, tree: CheckedTree) -> None:
        if tree.size_bytes > self.max_bytes:
            raise SourceError(
                f"source {self.mirror.source.shown}: the files of commit {commit[:12]} have "
                f"{tree.size_bytes} bytes, more than the limit of {self.max_bytes}",
                "take large files out of the repository, or raise TRUELINE_SOURCE_LIMIT_MB",
            )

    def _write_notes(self, commit: str, tree: CheckedTree) -> None:
        if tree.left_out:
            notes = {"rejected": tree.rejected, "left_out": dict(tree.left_out)}
            write_durably(self._notes(commit), json.dumps(notes).encode())

    def _notes(self, commit: str) -> Path:
        return self.directory / f"{commit}.json"

    def _remove_leftovers(self) -> None:
        for leftover in self.directory.glob(f"{_BUILDING}*"):
            _remove_read_only(leftover)

    def _locked(self) -> AbstractContextManager[None]:
        wait_seconds = 10 * self.mirror.git.timeout_seconds  # the other one may clone anew
        return source_lock(self.directory / ".lock", wait_seconds, f"snapshots in {self.directory}")


def open_snapshots(mirror: Mirror, settings: Settings) -> Snapshots:
    """Return the snapshots that lie beside a mirror, under the settings' size limit."""
    return Snapshots(
        mirror, mirror.directory.parent / "snapshots", settings.source_limit_mb * 1024**2
    )


def _remove_read_only(directory: Path) -> None:
    for folder, _, _ in os.walk(directory):
        Path(folder).chmod(0o700)
    shutil.rmtree(directory, ignore_errors=True)
