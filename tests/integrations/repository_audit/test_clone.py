from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integrations.repository_audit.address import Address
from integrations.repository_audit.clone import Clone, clone_repository
from integrations.repository_audit.git_command import Git
from integrations.repository_audit.history import read_branches, read_commits
from integrations.repository_audit.tree import read_tree
from utils.errors import SourceError

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Repository

    NewRepository = Callable[[str], Repository]


def cloned(git: Git, tmp_path: Path, url: str, ref: str = "") -> Clone:
    directory = tmp_path / "clone"
    directory.mkdir()
    return clone_repository(git, Address(url, ref), directory)


def test_the_default_branch_is_taken_without_a_ref(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    repository.git("branch", "-m", "trunk")
    commit = repository.commit({"a": "2"})
    clone = cloned(git, tmp_path, repository.url)
    assert (clone.commit, clone.default_branch) == (commit, "trunk")
    assert not clone.history_is_cut


@pytest.mark.parametrize("ref", ["next", "v1", "annotated", "refs/heads/next"])
def test_a_branch_or_a_tag_leads_to_its_commit(
    git: Git, repository: Repository, tmp_path: Path, ref: str
) -> None:
    repository.commit({"a": "1"})
    repository.git("checkout", "-q", "-b", "next")
    commit = repository.commit({"a": "2"})
    repository.git("tag", "v1")
    repository.git("tag", "-a", "annotated", "-m", "x")
    repository.git("checkout", "-q", "main")
    assert cloned(git, tmp_path, repository.url, ref).commit == commit


def test_a_commit_that_no_branch_ends_at_is_audited_with_its_files(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit({"a": "1"})
    repository.commit({"b": "2"})
    clone = cloned(git, tmp_path, repository.url, commit)
    assert [entry.path for entry in read_tree(clone)] == ["a"]
    assert [found.id for found in read_commits(clone, 10)] == [commit]
    assert [branch.name for branch in read_branches(clone)] == ["main"]


def test_only_the_files_of_the_audited_commit_are_copied(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "old contents"})
    old = repository.git("rev-parse", "HEAD:a")
    repository.commit({"a": "new contents"})
    clone = cloned(git, tmp_path, repository.url)
    for copy in (clone.files, clone.history):
        with pytest.raises(SourceError):
            git.run(copy, ["cat-file", "-e", old])


def test_a_missing_repository_is_named_as_such(git: Git, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no repository at the address"):
        cloned(git, tmp_path, (tmp_path / "nowhere").as_uri())


def test_a_missing_branch_gets_the_nearest_name(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    with pytest.raises(SourceError, match=r"no branch or tag 'mian' \(did you mean 'main'\?\)"):
        cloned(git, tmp_path, repository.url, "mian")


def test_a_missing_commit_is_named_as_such(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    with pytest.raises(SourceError, match="does not have that commit"):
        cloned(git, tmp_path, repository.url, "0123456789" * 4)


def test_a_repository_without_commits_is_told_to_push_one(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="no commits yet"):
        cloned(git, tmp_path, repository.url)


def test_a_head_that_leads_nowhere_asks_for_a_ref(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    repository.git("symbolic-ref", "HEAD", "refs/heads/gone")
    with pytest.raises(SourceError, match="default branch does not exist"):
        cloned(git, tmp_path, repository.url)
    (tmp_path / "clone").rmdir()
    assert cloned(git, tmp_path, repository.url, "main").commit


def test_a_shallow_source_is_noticed(
    git: Git, repository: Repository, new_repository: NewRepository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    shallow = new_repository("shallow")
    shallow.git("fetch", "--quiet", "--depth=1", repository.url, "+main:refs/heads/only")
    assert cloned(git, tmp_path, shallow.url, "only").history_is_cut


def test_a_repository_owned_by_someone_else_can_be_audited(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    hostile = repository.path / ".git" / "config"
    hostile.write_text(hostile.read_text() + "[core]\n\tsshCommand = false\n[uploadpack]\n")
    assert cloned(git, tmp_path, repository.url).commit
