from collections.abc import Callable
from pathlib import Path

import pytest

from utils.errors import SourceError
from utils.mirror import Mirror

RunGit = Callable[..., str]
CommitFiles = Callable[..., str]
MirrorOf = Callable[..., Mirror]


def test_head_is_the_default_branch_whatever_its_name(
    repository: Path, run_git: RunGit, mirror_of: MirrorOf
) -> None:
    first = run_git(repository, "rev-parse", "HEAD")
    assert mirror_of(repository).head_commit() == first
    run_git(repository, "branch", "--move", "main", "trunk")
    assert mirror_of(repository).head_commit() == first


def test_branches_tags_full_refs_and_commits_are_found(
    repository: Path, run_git: RunGit, commit_files: CommitFiles, mirror_of: MirrorOf
) -> None:
    first = run_git(repository, "rev-parse", "HEAD")
    run_git(repository, "tag", "light")
    run_git(repository, "tag", "--annotate", "--message", "x", "v1")
    second = commit_files(repository, {"new": "1"})
    run_git(repository, "branch", "release/1")
    assert mirror_of(repository, "main").head_commit() == second
    assert mirror_of(repository, "release/1").head_commit() == second
    assert mirror_of(repository, "light").head_commit() == first
    assert mirror_of(repository, "v1").head_commit() == first  # the commit, not the tag object
    assert mirror_of(repository, "refs/tags/v1").head_commit() == first
    assert mirror_of(repository, first).head_commit() == first


def test_a_longer_name_with_the_same_end_is_another_ref(
    repository: Path, run_git: RunGit, mirror_of: MirrorOf
) -> None:
    run_git(repository, "branch", "refs/heads/only")
    with pytest.raises(SourceError, match="no branch or tag 'only'"):
        mirror_of(repository, "only").head_commit()


def test_a_name_that_is_branch_and_tag_of_two_commits_is_refused(
    repository: Path, run_git: RunGit, commit_files: CommitFiles, mirror_of: MirrorOf
) -> None:
    run_git(repository, "tag", "both")
    run_git(repository, "branch", "both")
    same = run_git(repository, "rev-parse", "HEAD")
    assert mirror_of(repository, "both").head_commit() == same
    commit_files(repository, {"new": "1"})
    run_git(repository, "branch", "--force", "both")
    with pytest.raises(SourceError) as refused:
        mirror_of(repository, "both").head_commit()
    assert "refs/heads/both or refs/tags/both" in refused.value.advice


def test_a_missing_name_gets_a_suggestion_and_the_default_branch(
    repository: Path, mirror_of: MirrorOf
) -> None:
    with pytest.raises(SourceError) as missing:
        mirror_of(repository, "mian").head_commit()
    assert "did you mean 'main'?" in missing.value.reason
    assert "default branch is 'main'" in missing.value.reason


def test_a_shortened_commit_id_asks_for_all_of_it(
    repository: Path, run_git: RunGit, mirror_of: MirrorOf
) -> None:
    short = run_git(repository, "rev-parse", "--short=8", "HEAD")
    with pytest.raises(SourceError) as missing:
        mirror_of(repository, short).head_commit()
    assert "all characters" in missing.value.advice


def test_a_repository_without_commits_says_so(
    tmp_path: Path, run_git: RunGit, mirror_of: MirrorOf
) -> None:
    run_git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    with pytest.raises(SourceError, match="no commits yet"):
        mirror_of(tmp_path / "empty.git").head_commit()


def test_a_default_branch_that_is_gone_says_so(
    tmp_path: Path, repository: Path, run_git: RunGit, mirror_of: MirrorOf
) -> None:
    run_git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    bare = tmp_path / "bare.git"
    run_git(bare, "branch", "other", "main")
    run_git(bare, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(SourceError, match="default branch does not exist"):
        mirror_of(bare).head_commit()


def test_a_path_without_repository_says_so(tmp_path: Path, mirror_of: MirrorOf) -> None:
    with pytest.raises(SourceError) as missing:
        mirror_of(tmp_path / "nothing").head_commit()
    assert "no such repository" in missing.value.reason
    assert "TRUELINE_SOURCE_URL" in missing.value.advice
