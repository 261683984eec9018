"""Reads the objects of a bare repository, without a checkout."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from utils.errors import SourceError
from utils.git import Git
from utils.git_errors import GitError, GitFailure
from utils.tree import (
    FOLDER,
    LINK,
    LINK_TARGET_BYTES,
    CheckedTree,
    TreeEntry,
    check_tree,
    parse_tree,
    path_of,
    shown,
)

FILE_LIMIT_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024


class NotInCommit(SourceError):  # noqa: N818 - reads as what is wrong
    """A commit has no such file."""


@dataclass(frozen=True)
class Objects:
    """The objects in the repository `directory`; errors name `about`."""

    git: Git
    directory: Path
    about: str

    def read_file(self, commit: str, path: str, tree: CheckedTree | None = None) -> bytes:
        """Return a file of a commit, whose `tree` may be known; raises NotInCommit."""
        listed = tree.files if tree else self._list(commit, "--", path)
        entry = next((one for one in listed if one.path == path and one.is_file), None)
        if entry is None:
            raise NotInCommit(
                f"{self.about}: commit {commit[:12]} has no file {shown(path)}",
                f"add {shown(path)} to the repository and push",
            )
        if entry.size_bytes > FILE_LIMIT_BYTES:
            raise SourceError(
                f"{self.about}: {shown(path)} has {entry.size_bytes} bytes, more than the "
                f"{FILE_LIMIT_BYTES} that are read",
                "make it smaller and push",
            )
        return self._small_blobs([entry.object_id])[0]

    def list_folders(self, commit: str, path: str) -> dict[str, str]:
        """Return the folders directly in `path`, with the ids of their content."""
        listed = self._list(commit, "-d", *(["--", f"{path}/"] if path else []))
        return {
            entry.path.rpartition("/")[2]: entry.object_id
            for entry in listed
            if entry.mode == FOLDER
        }

    def tree(self, commit: str) -> CheckedTree:
        """Return all files of a commit, checked."""
        entries = self._list(commit, "-r", "-t")
        links = list(
            dict.fromkeys(
                entry.object_id
                for entry in entries
                if entry.mode == LINK and entry.size_bytes <= LINK_TARGET_BYTES
            )
        )
        return check_tree(entries, dict(zip(links, self._small_blobs(links), strict=True)))

    def changed_paths(self, before: str, commit: str) -> frozenset[str]:
        """Return the paths of a commit that are new since another, or have other content or mode.

        Git skips folders of one id, so it costs what has changed.
        """
        options = ("-r", "-z", "--name-only", "--no-renames", "--diff-filter=d")
        listing = self.git.run(
            [
                f"--git-dir={self.directory}",
                *("diff-tree", *options, before, commit, "--"),
            ],
            about=self.about,
        )
        return frozenset(path_of(name) for name in listing.split(b"\0") if name)

    @contextlib.contextmanager
    def blobs(self, object_ids: Iterable[str]) -> Iterator[Iterator[Iterator[bytes]]]:
        """Give each object's content, in chunks that are read before the next object."""
        wanted = list(object_ids)
        if not wanted:
            yield iter(())
            return
        lines = "".join(f"{one}\n" for one in wanted).encode()
        args = [f"--git-dir={self.directory}", "cat-file", "--batch", "--buffer"]
        with self.git.stream(args, input_bytes=lines, about=self.about) as output:
            yield (self._blob(output, object_id) for object_id in wanted)

    def _blob(self, output: BufferedIOBase, object_id: str) -> Iterator[bytes]:
        header = output.readline().split()
        if len(header) != 3 or header[1] != b"blob":
            raise GitError(GitFailure.DAMAGED, self.about, f"object {object_id} cannot be read")
        return self._chunks(output, int(header[2]))

    def _small_blobs(self, object_ids: Iterable[str]) -> list[bytes]:
        with self.blobs(object_ids) as blobs:
            return [b"".join(chunks) for chunks in blobs]

    def _chunks(self, output: BufferedIOBase, size_bytes: int) -> Iterator[bytes]:
        while size_bytes:
            chunk = output.read(min(size_bytes, CHUNK_BYTES))
            if not chunk:
                raise GitError(GitFailure.DAMAGED, self.about, "an object ends too early")
            size_bytes -= len(chunk)
            yield chunk
        output.read(1)  # the newline behind an object

    def _list(self, commit: str, *args: str) -> tuple[TreeEntry, ...]:
        options = [arg for arg in args if arg in {"-r", "-t", "-d"}]
        paths = [arg for arg in args if arg not in {"-r", "-t", "-d"}]
        listing = self.git.run(
            [
                *(f"--git-dir={self.directory}", "--literal-pathspecs"),
                *("ls-tree", "-l", "-z", "--full-tree", *options, commit, *paths),
            ],
            about=self.about,
        )
        return parse_tree(listing)
