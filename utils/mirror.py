"""The bare mirror of a source: a cache of fetched commits that processes share."""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from utils.errors import SourceError
from utils.fetching import KEPT_REFS, Remote, clear_leftovers, clone_anew, fetch_commit
from utils.git import Git
from utils.git_errors import GitError, GitFailure
from utils.locks import source_lock
from utils.objects import Objects
from utils.remote_refs import find_commit
from utils.settings import Settings
from utils.source import Source, source_from_settings
from utils.tree import INTEGRATIONS, CheckedTree

DEFAULT_MAX_BYTES = 1024**3
PACK_LIMIT = 60  # each fetch leaves a pack; past this the next one starts a new mirror
# Failures that a damaged mirror may be the cause of: cloning again may help.
_PERHAPS_DAMAGED = frozenset({GitFailure.OTHER, GitFailure.NOT_A_REPOSITORY, GitFailure.DAMAGED})
# Failures of reading our own objects that it is not.
_NOT_DAMAGED = frozenset(
    {GitFailure.TIMEOUT, GitFailure.NO_ROOM, GitFailure.NO_GIT, GitFailure.TOO_MUCH}
)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Mirror:
    """A bare repository in `directory` that holds the fetched commits of `source`.

    The files of one commit may have `max_bytes`; a fetch that brings more is ended. A damaged
    mirror is cloned again without a word. All errors are SourceErrors.
    """

    git: Git
    directory: Path
    source: Source
    max_bytes: int = DEFAULT_MAX_BYTES

    def head_commit(self) -> str:
        """Ask the source for the commit that its ref names now."""
        return find_commit(self.git, self.source)

    def has(self, commit: str) -> bool:
        """Tell whether a commit was fetched; costs no process."""
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
            raise SourceError(
                f"{commit[:80]!r} is not a commit", "give its full id in small letters"
            )
        try:
            mark = (self.directory / KEPT_REFS / commit).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return False
        return mark.strip() == commit

    def fetch(self, commit: str) -> None:
        """Make the mirror hold a commit; nothing happens when it does already."""
        if self.has(commit):
            return
        with self._locked():
            if not self.has(commit):
                self._fetch_or_renew(commit)

    def read_file(self, commit: str, path: str, tree: CheckedTree | None = None) -> bytes:
        """Return a file of a commit, whose `tree` may be known already.

        Raises NotInCommit when it has none of that name.
        """
        return self.reading(commit, lambda objects: objects.read_file(commit, path, tree))

    def list_folders(self, commit: str, path: str = INTEGRATIONS) -> Mapping[str, str]:
        """Return the folders directly in `path`: their names and the ids of their content.

        An id is the same as long as nothing in the folder changes.
        """
        return self.reading(commit, lambda objects: objects.list_folders(commit, path))

    def tree(self, commit: str) -> CheckedTree:
        """Return all files of a commit, checked."""
        return self.reading(commit, lambda objects: objects.tree(commit))

    def reading(self, commit: str, read: Callable[[Objects], Answer]) -> Answer:
        """Fetch a commit and read its objects; a damaged mirror is cloned again, once."""
        self.fetch(commit)
        objects = Objects(self.git, self.directory, f"source {self.source.shown}")
        before = self._identity()
        try:
            return read(objects)
        except GitError as error:
            if error.failure in _NOT_DAMAGED:
                raise
        with self._locked():
            if self._identity() == before or not self.has(commit):
                clone_anew(self._remote, self.directory, commit)
        return read(objects)

    @property
    def _remote(self) -> Remote:
        return Remote(self.git, self.source, self.max_bytes)

    def _fetch_or_renew(self, commit: str) -> None:
        packs = self.directory / "objects" / "pack"
        if (self.directory / "HEAD").is_file() and len(list(packs.glob("*.pack"))) < PACK_LIMIT:
            clear_leftovers(self.directory)
            try:
                fetch_commit(self._remote, self.directory, commit)
            except GitError as error:
                if error.failure not in _PERHAPS_DAMAGED:
                    raise
            else:
                return
        clone_anew(self._remote, self.directory, commit)

    def _identity(self) -> int:
        try:
            return self.directory.stat().st_ino
        except FileNotFoundError:
            return 0

    def _locked(self) -> AbstractContextManager[None]:
        wait_seconds = 3 * self.git.timeout_seconds
        return source_lock(
            self.directory.with_suffix(".lock"), wait_seconds, f"source {self.source.shown}"
        )


def open_source(root: Path, settings: Settings, environ: Mapping[str, str]) -> Mirror:
    """Return the mirror of the settings' source; nothing is written before its first use.

    All of it lies in `root/<hash of the URL>/`: `mirror.git`, `home` and `snapshots`. Git sees of
    `environ` what a network needs.
    """
    source, credentials = source_from_settings(settings)
    directory = root.resolve() / hashlib.sha256(source.url.encode()).hexdigest()[:16]
    git = Git(directory / "home", settings.source_timeout_seconds, environ, credentials)
    return Mirror(git, directory / "mirror.git", source, settings.source_limit_mb * 1024**2)
