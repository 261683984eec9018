"""Snapshots: the files of one commit as an immutable directory."""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from utils.boot import read_boot_id
from utils.errors import SourceError
from utils.failpoints import failpoint
from utils.files import sync_file_system, write_durably
from utils.locks import source_lock
from utils.mirror import DEFAULT_MAX_BYTES, Mirror
from utils.objects import Objects
from utils.settings import Settings
from utils.snapshot_notes import Notes, read_notes
from utils.tree import CheckedTree
from utils.tree_writer import Base, write_tree

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
    """All snapshots of one source, a directory each, shared by processes.

    Files that commits have in common are one file with a name in each directory. What was made
    since `boot`, the machine's last start, is trusted before it is on the disk; `settle` brings it
    there. What was not on the disk when the machine stopped is made again.
    """

    mirror: Mirror
    directory: Path
    max_bytes: int = DEFAULT_MAX_BYTES
    boot: str = field(default_factory=read_boot_id)

    def take(self, commit: str, tree: CheckedTree | None = None) -> Snapshot:
        """Return a commit's snapshot; it is made when there is none yet.

        `tree` are the commit's files where the caller knows them already. Raises SourceError for a
        commit that is too large or cannot be had.
        """
        notes = self._notes(commit)
        if notes is None:
            with self._locked():
                self._remove_leftovers()
                notes = self._notes(commit) or self.mirror.reading(
                    commit, lambda objects: self._make(commit, objects, tree)
                )
        return Snapshot(commit, self.directory / commit, notes.rejected, notes.left_out)

    def find(self, commit: str) -> Path | None:
        """Return where a commit's snapshot is, made again if need be, without asking the source."""
        if commit not in self.commits():
            return None
        try:
            usable = self._notes(commit) or self.mirror.has(commit)
            return self.take(commit).path if usable else None
        except SourceError:
            return None

    def commits(self) -> tuple[str, ...]:
        """Return the commits that have a snapshot."""
        if not self.directory.is_dir():
            return ()
        with os.scandir(self.directory) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
        return tuple(sorted(name for name in names if _COMMIT.fullmatch(name)))

    def discard(self, commit: str) -> None:
        """Remove a snapshot that nothing uses."""
        with self._locked():
            self._set_aside(commit)
            self._remove_leftovers()

    def settle(self) -> None:
        """Bring to the disk what is not there yet, however long others keep it busy."""
        with self._locked():
            found = ((commit, self._notes(commit)) for commit in self.commits())
            young = {commit: notes for commit, notes in found if notes and notes.boot}
            if young:
                sync_file_system(self.directory)
            for commit, notes in young.items():
                write_durably(self._notes_file(commit), replace(notes, boot="").as_json())

    def _notes(self, commit: str) -> Notes | None:
        """Return the notes of a snapshot that is whole."""
        if not _COMMIT.fullmatch(commit):
            raise SourceError(f"{commit[:80]!r} is not a commit", "give its full id")
        notes = read_notes(self._notes_file(commit))
        if notes is None or not notes.hold_in(self.boot):
            return None
        return notes if (self.directory / commit).is_dir() else None

    def _make(self, commit: str, objects: Objects, tree: CheckedTree | None) -> Notes:
        tree = tree or objects.tree(commit)
        self._check_size(commit, tree)
        self._set_aside(commit)
        building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=self.directory))
        try:
            written = write_tree(tree, objects, building, self._base(commit, objects))
            failpoint("snapshot-before-rename")
            return self._put(commit, building, written)
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

    def _base(self, commit: str, objects: Objects) -> Base | None:
        """Return the snapshot to link to: the last one made of those that git can compare with."""
        whole = ((one, self._notes(one)) for one in self.commits() if self.mirror.has(one))
        known = {one: notes for one, notes in whole if notes}
        if not known:
            return None
        before = max(known, key=lambda one: (self.directory / one).stat().st_ctime)
        differing = objects.changed_paths(before, commit).union(known[before].left_out)
        return Base(self.directory / before, differing)

    def _put(self, commit: str, building: Path, tree: CheckedTree) -> Notes:
        notes = Notes(tree.rejected, tree.left_out, self.boot)
        if not self.boot:
            sync_file_system(self.directory)
        self._notes_file(commit).write_bytes(notes.as_json())
        failpoint("snapshot-before-its-name")
        building.rename(self.directory / commit)
        return notes

    def _set_aside(self, commit: str) -> None:
        """Take a snapshot's name away: notes never stand beside a directory of another time."""
        if (self.directory / commit).is_dir():
            doomed = tempfile.mkdtemp(prefix=_BUILDING, dir=self.directory)
            (self.directory / commit).rename(doomed)
        self._notes_file(commit).unlink(missing_ok=True)

    def _notes_file(self, commit: str) -> Path:
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
