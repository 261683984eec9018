"""Brings commits of a source into a bare repository, and clones that anew when it is damaged."""

import shutil
import tempfile
from pathlib import Path

from utils.failpoints import failpoint
from utils.git import Git
from utils.git_errors import GitError, GitFailure
from utils.source import Source

KEPT_REFS = "refs/trueline"  # a ref per fetched commit marks that all of it is there


def fetch_commit(git: Git, directory: Path, source: Source, commit: str) -> None:
    """Fetch one commit without its history, or all branches where a server refuses that."""
    mark = f"{KEPT_REFS}/{commit}"
    try:
        _fetch(git, directory, source, ["--depth=1"], [f"+{commit}:{mark}"])
    except GitError as error:
        if error.failure is not GitFailure.REF_MISSING and "shallow" not in error.reason:
            raise
    else:
        return
    every = [f"+refs/{kind}/*:refs/source/{kind}/*" for kind in ("heads", "tags")]
    _fetch(git, directory, source, [], every)
    about = f"source {source.shown}"
    try:
        git.run([f"--git-dir={directory}", "rev-parse", "--verify", f"{commit}^{{tree}}"])
        git.run([f"--git-dir={directory}", "update-ref", mark, commit], about=about)
    except GitError as error:
        raise GitError(
            GitFailure.REF_MISSING, about, f"no branch or tag leads to commit {commit}"
        ) from error


def clone_anew(git: Git, directory: Path, source: Source, commit: str) -> None:
    """Clone beside and put the new mirror in the place of the old one, if there is any."""
    _remove_leftover_clones(directory)
    parent = directory.parent
    beside = Path(tempfile.mkdtemp(prefix=f"{directory.name}.new-", dir=parent))
    try:
        _init(git, beside, commit)
        fetch_commit(git, beside, source, commit)
        failpoint("mirror-before-rename")
        if directory.exists():
            directory.rename(tempfile.mkdtemp(prefix=f"{directory.name}.old-", dir=parent))
        beside.rename(directory)
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


def _fetch(git: Git, directory: Path, source: Source, options: list[str], refs: list[str]) -> None:
    git.run(
        [
            f"--git-dir={directory}",
            *("fetch", "--quiet", "--no-tags", "--force", "--no-write-fetch-head"),
            *("--no-auto-maintenance", "--no-recurse-submodules", "--no-show-forced-updates"),
            *options,
            *("--", source.url, *refs),
        ],
        about=f"source {source.shown}",
    )


def _remove_leftover_clones(directory: Path) -> None:
    for leftover in directory.parent.glob(f"{directory.name}.*-*"):
        shutil.rmtree(leftover, ignore_errors=True)
