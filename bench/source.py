"""What the files of a commit cost to have, over git's own commands that bring as much."""

import io
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.repository import change_one, run_git, write_repository
from bench.rows import Row, at_most
from utils.git import Git
from utils.manifest import manifest_at
from utils.mirror import Mirror
from utils.snapshot import Snapshots
from utils.source import Source

FIRST_ROUNDS = 7
CHANGE_ROUNDS = 25
FIRST_GOAL = 1.3
CHANGE_GOAL = 8.0  # ours is a whole directory of 4,000 names, git's one folder of eight
TIMEOUT_SECONDS = 120


def measure() -> list[Row]:
    """Take a first commit, then commits that change one file, by turns with bare git."""
    # All is removed at the end: a disk that has just lost many files is slow to make new ones.
    with tempfile.TemporaryDirectory(prefix="trueline-bench-") as root:
        repository = Path(root, "source.git")
        url = write_repository(repository)
        first = [_first_commit(Path(root, f"{turn}"), url) for turn in range(FIRST_ROUNDS)]
        changes = list(_changes(Path(root, "changes"), repository, url))
    return [
        _row("first commit: 4,000 files, 2,000 commits, beside clone", first, FIRST_GOAL),
        _row("commit that changes 1 of 4,000 files, beside fetch, archive", changes, CHANGE_GOAL),
    ]


def _first_commit(folder: Path, url: str) -> tuple[float, float]:
    bare = _seconds(partial(run_git, "clone", "--quiet", "--depth=1", url, str(folder / "bare")))
    return _seconds(lambda: _take(_open(folder, url))), bare


def _changes(folder: Path, repository: Path, url: str) -> Iterator[tuple[float, float]]:
    snapshots, bare = _open(folder, url), folder / "bare"
    _take(snapshots)
    run_git("init", "--quiet", "--bare", str(bare))
    _fetch_folder(bare, url, "")
    for number in range(CHANGE_ROUNDS):
        name = change_one(repository, number)
        git_seconds = _seconds(partial(_fetch_folder, bare, url, f"integrations/{name}"))
        yield _seconds(partial(_take, snapshots)), git_seconds


def _open(folder: Path, url: str) -> Snapshots:
    mirror = Mirror(
        Git(folder / "home", TIMEOUT_SECONDS, os.environ), folder / "mirror.git", Source(url)
    )
    return Snapshots(mirror, folder / "snapshots")


def _take(snapshots: Snapshots) -> None:
    """Do what a sync does before it looks at environments."""
    commit = snapshots.mirror.head_commit()
    tree = snapshots.mirror.tree(commit)
    snapshots.take(commit, tree)
    manifest_at(snapshots.mirror, commit, tree)


def _fetch_folder(bare: Path, url: str, folder: str) -> None:
    run_git("-C", str(bare), "fetch", "--quiet", "--depth=1", url, "+main:main")
    out = bare / "out" / str(time.monotonic_ns())
    out.mkdir(parents=True)
    archive = run_git("-C", str(bare), "archive", "main", *([folder] if folder else []))
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(out, filter="data")


def _row(what: str, pairs: list[tuple[float, float]], goal: float) -> Row:
    ours, bare = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    return at_most(what, ours, bare, "ms", goal)


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
