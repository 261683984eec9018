import os
from collections.abc import Callable
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
