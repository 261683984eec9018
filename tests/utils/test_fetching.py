import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from utils.errors import SourceError
from utils.fetching import clear_leftovers, clone_anew
from utils.git import Git
from utils.mirror import Mirror
from utils.source import parse_source

RunGit = Callable[..., str]
CommitFiles = Callable[..., str]
MirrorOf = Callable[..., Mirror]


class OldGit(Git):
    """A git that speaks protocol version 0, whose servers give the tips of refs alone."""

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        old = self.home / "old"
        now = Path(environment["GIT_CONFIG_GLOBAL"]).read_text()
        old.write_text(now.replace("version = 2", "version = 0"))
        return environment | {"GIT_CONFIG_GLOBAL": str(old)}


def test_a_server_that_gives_no_single_commits_is_asked_for_its_branches(
    tmp_path: Path, repository: Path, commit_files: CommitFiles, run_git: RunGit
) -> None:
    first = run_git(repository, "rev-parse", "HEAD")
    commit_files(repository, {"new": "1"})
    source, _ = parse_source(str(repository), first)
    mirror = Mirror(OldGit(tmp_path / "home", 60, os.environ), tmp_path / "mirror.git", source)
    mirror.fetch(first)
    assert mirror.has(first)
    assert list(mirror.list_folders(first)) == ["alpha", "beta"]
    assert (mirror.directory / "refs" / "source" / "heads" / "main").exists()


def test_a_clone_that_fails_leaves_the_old_one_and_nothing_beside(
    repository: Path, mirror_of: MirrorOf
) -> None:
    mirror = mirror_of(repository)
    mirror.fetch(mirror.head_commit())
    with pytest.raises(SourceError):
        clone_anew(mirror._remote, mirror.directory, "0" * 39 + "1")
    assert mirror.has(mirror.head_commit())
    assert not list(mirror.directory.parent.glob("mirror.git.*"))


def test_leftovers_are_cleared_and_the_rest_is_kept(tmp_path: Path) -> None:
    for name in ("objects/pack", "objects/tmp_objdir-incoming-x/pack", "refs/heads"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("shallow.lock", "refs/heads/main.lock", "objects/pack/tmp_idx_1", "HEAD"):
        (tmp_path / name).write_text("")
    clear_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["HEAD"]
    assert not (tmp_path / "objects" / "tmp_objdir-incoming-x").exists()


def limited(mirror: Mirror, max_bytes: int) -> Mirror:
    return replace(mirror, max_bytes=max_bytes)


def test_a_fetch_past_the_limit_is_ended_with_both_numbers_and_leaves_nothing(
    repository: Path, commit_files: CommitFiles, mirror_of: MirrorOf
) -> None:
    mirror = limited(mirror_of(repository), 1_000_000)
    commit = commit_files(repository, {"large": os.urandom(3_000_000)})
    with pytest.raises(SourceError, match=r"had brought \d{7} bytes, with 1000000 allowed") as big:
        mirror.fetch(commit)
    assert "TRUELINE_SOURCE_LIMIT_MB" in big.value.advice
    assert not mirror.has(commit)
    assert size_bytes(mirror.directory.parent) < 100_000


def test_a_fetch_past_the_limit_leaves_a_mirror_that_the_next_fetch_makes_anew(
    repository: Path, commit_files: CommitFiles, run_git: RunGit, mirror_of: MirrorOf
) -> None:
    mirror = limited(mirror_of(repository), 1_000_000)
    good = mirror.head_commit()
    mirror.fetch(good)
    large = commit_files(repository, {"large": os.urandom(3_000_000)})
    with pytest.raises(SourceError, match="had brought"):
        mirror.fetch(large)
    assert size_bytes(mirror.directory.parent) < 100_000
    run_git(repository, "reset", "--quiet", "--hard", good)
    assert mirror.head_commit() == good
    assert list(mirror.list_folders(good)) == ["alpha", "beta"]


def test_a_commit_just_within_the_limit_is_fetched(
    repository: Path, commit_files: CommitFiles, mirror_of: MirrorOf
) -> None:
    mirror = limited(mirror_of(repository), 3_001_000)
    commit = commit_files(repository, {"large": os.urandom(3_000_000)})
    mirror.fetch(commit)
    assert mirror.has(commit)


def test_a_history_may_be_larger_than_a_commit(
    tmp_path: Path, repository: Path, commit_files: CommitFiles, run_git: RunGit
) -> None:
    first = run_git(repository, "rev-parse", "HEAD")
    commit_files(repository, {"large": os.urandom(3_000_000)})
    source, _ = parse_source(str(repository), first)
    git = OldGit(tmp_path / "home", 60, os.environ)
    mirror = Mirror(git, tmp_path / "mirror.git", source, 1_000_000)
    mirror.fetch(first)
    assert mirror.has(first)
    with pytest.raises(SourceError, match="with 400000 allowed"):
        limited(replace(mirror, directory=tmp_path / "small.git"), 100_000).fetch(first)


def size_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
