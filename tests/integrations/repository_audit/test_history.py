from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from integrations.repository_audit.address import Address
from integrations.repository_audit.clone import Clone, clone_repository
from integrations.repository_audit.git_command import Git
from integrations.repository_audit.history import read_branches, read_commits

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Repository

OLD = {"GIT_COMMITTER_DATE": "2020-02-03T04:05:06+01:00"}
STRANGER = {"GIT_AUTHOR_NAME": 'Zoë "Z" Zett', "GIT_AUTHOR_EMAIL": "zoe@example.org"}


def cloned(git: Git, repository: Repository, tmp_path: Path) -> Clone:
    return clone_repository(git, Address(repository.url, ""), tmp_path)


def test_commits_come_newest_first_with_author_date_and_subject(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"}, "First", **OLD)
    newest = repository.commit({"a": "2"}, "Grüße\n\nBody", **STRANGER)
    second, first = read_commits(cloned(git, repository, tmp_path), 10)
    assert (second.id, second.subject) == (newest, "Grüße")
    assert second.author_name == 'Zoë "Z" Zett'
    assert second.author_address == "zoe@example.org"
    assert first.date == datetime(2020, 2, 3, 3, 5, 6, tzinfo=UTC)


def test_no_more_commits_than_asked_for_are_read(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    for number in range(5):
        repository.commit({}, f"Commit {number}")
    commits = read_commits(cloned(git, repository, tmp_path), 2)
    assert [commit.subject for commit in commits] == ["Commit 4", "Commit 3"]


def test_a_mailmap_of_the_repository_does_not_hide_who_committed(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({".mailmap": "Known <known@example.com> <zoe@example.org>\n"}, **STRANGER)
    commits = read_commits(cloned(git, repository, tmp_path), 10)
    assert [commit.author_address for commit in commits] == ["zoe@example.org"]


def test_branches_tell_their_age_and_whether_they_are_merged(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"}, **OLD)
    repository.git("branch", "merged")
    repository.git("checkout", "-q", "-b", "topic/open")
    repository.commit({"b": "1"}, **OLD, **STRANGER)
    repository.git("checkout", "-q", "main")
    repository.commit({"a": "2"})
    branches = {branch.name: branch for branch in read_branches(cloned(git, repository, tmp_path))}
    assert {name: branch.merged for name, branch in branches.items()} == {
        "main": True,
        "merged": True,
        "topic/open": False,
    }
    assert [name for name, branch in branches.items() if branch.is_default] == ["main"]
    assert branches["topic/open"].date.year == 2020
    assert branches["topic/open"].author_address == "zoe@example.org"


def test_without_a_default_branch_nothing_is_said_to_be_merged(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    repository.git("checkout", "-q", "--detach")
    branches = read_branches(cloned(git, repository, tmp_path))
    assert [(branch.name, branch.merged) for branch in branches] == [("main", None)]


def test_a_date_that_no_calendar_has_is_taken_as_very_old(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    raw = repository.git("cat-file", "commit", "HEAD")
    seconds = raw.rpartition(" +")[0].rpartition("> ")[2].split()[0]
    broken = repository.path / "broken"
    broken.write_text(raw.replace(f"> {seconds} ", "> 99999999999999 ") + "\n")
    commit = repository.git("hash-object", "-t", "commit", "-w", "--literally", "broken")
    repository.git("update-ref", "refs/heads/main", commit)
    assert read_commits(cloned(git, repository, tmp_path), 1)[0].date.year == 1970
