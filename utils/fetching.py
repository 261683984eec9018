"""Brings commits of a source into a bare repository, and clones that anew when it is damaged."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from utils.failpoints import failpoint
from utils.files import sync_directory
from utils.git import Git
from utils.git_errors import GitError, GitFailure
from utils.source import Source

KEPT_REFS = "refs/trueline"  # a ref per fetched commit marks that all of it is there


HISTORY_SHARE = 4  # of what a commit may have; what all branches and their history may


@dataclass(frozen=True)
class Remote:
    """A source and how to ask it; files of one commit may have `max_bytes` together."""

    git: Git
    source: Source
    max_bytes: int


def fetch_commit(remote: Remote, directory: Path, commit: str) -> None:
    """Fetch one commit without its history, or all branches where a server refuses that.

    A fetch that brings more than the limit is ended, and nothing of it stays.
    """
    git, source = remote.git, remote.source
    mark = f"{KEPT_REFS}/{commit}"
    try:
        _fetch(remote, directory, ["--depth=1"], [f"+{commit}:{mark}"], remote.max_bytes)
    except GitError as error:
        if error.failure is not GitFailure.REF_MISSING and "shallow" not in error.reason:
            raise
    else:
        return
    every = [f"+refs/{kind}/*:refs/source/{kind}/*" for kind in ("heads", "tags")]
    _fetch(remote, directory, [], every, remote.max_bytes * HISTORY_SHARE)
    about = f"source {source.shown}"
    try:
        git.run([f"--git-dir={directory}", "rev-parse", "--verify", f"{commit}^{{tree}}"])
        git.run([f"--git-dir={directory}", "update-ref", mark, commit], about=about)
    except GitError as error:
        raise GitError(
            GitFailure.REF_MISSING, about, f"no branch or tag leads to commit {commit}"
        ) from error


def clone_anew(remote: Remote, directory: Path, commit: str) -> None:
    """Clone beside and put the new mirror in the place of the old one, if there is any."""
    _remove_leftover_clones(directory)
    parent = directory.parent
    beside = Path(tempfile.mkdtemp(prefix=f"{directory.name}.new-", dir=parent))
    try:
        _init(remote.git, beside, commit)
        fetch_commit(remote, beside, commit)
        failpoint("mirror-before-rename")
        if directory.exists():
            directory.rename(tempfile.mkdtemp(prefix=f"{directory.name}.old-", dir=parent))
        beside.rename(directory)
        sync_directory(parent)
    finally:
        _remove_leftover_clones(directory)


def clear_leftovers(directory: Path) -> None:
    """Remove what a killed git left; for the holder of the mirror's lock alone."""
    for lock in directory.rglob("*.lock"):
        lock.unlink(missing_ok=True)
    for leftover in (directory / "objects").glob("tmp_objdir-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in (directory / "objects" / "pack").glob("tmp_*"):
        leftover.unlink(missing_ok=True)


def _init(git: Git, directory: Path, commit: str) -> None:
    object_format = "sha256" if len(commit) == 64 else "sha1"
    options = ["--quiet", "--bare", f"--object-format={object_format}"]
    git.run(["init", *options, "--", str(directory)])


def _fetch(
    remote: Remote, directory: Path, options: list[str], refs: list[str], limit_bytes: int
) -> None:
    about = f"source {remote.source.shown}"
    watch = _watch_growth(directory, about, limit_bytes)
    try:
        remote.git.run(
            [
                f"--git-dir={directory}",
                *("fetch", "--quiet", "--no-tags", "--force", "--no-write-fetch-head"),
                *("--no-auto-maintenance", "--no-recurse-submodules", "--no-show-forced-updates"),
                *options,
                *("--", remote.source.url, *refs),
            ],
            about=about,
            watch=watch,
        )
        watch()
    except GitError as error:
        if error.failure is GitFailure.TOO_LARGE:
            shutil.rmtree(directory)  # a cache: the next fetch begins anew
        raise


def _watch_growth(directory: Path, about: str, limit_bytes: int) -> Callable[[], None]:
    """Return what raises once a repository has grown by more than a commit within the limit can.

    Packs are compressed; the room beyond the limit is for folders, and what cannot be compressed.
    """
    most_bytes = limit_bytes + limit_bytes // 8 + 1024 * 1024
    before = _pack_bytes(directory)

    def watch() -> None:
        grown = _pack_bytes(directory) - before
        if grown > most_bytes:
            raise GitError(
                GitFailure.TOO_LARGE,
                about,
                f"a fetch was ended that had brought {grown} bytes, with {limit_bytes} allowed",
            )

    return watch


def _pack_bytes(directory: Path) -> int:
    total = 0
    with (
        contextlib.suppress(FileNotFoundError),
        os.scandir(directory / "objects" / "pack") as entries,
    ):
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # renamed meanwhile
                total += entry.stat().st_size
    return total


def _remove_leftover_clones(directory: Path) -> None:
    for leftover in directory.parent.glob(f"{directory.name}.*-*"):
        shutil.rmtree(leftover, ignore_errors=True)
