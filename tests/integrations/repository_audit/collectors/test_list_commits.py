from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integrations.repository_audit.conftest import Audit, Repository


def test_commits_come_with_author_date_and_subject(unsound_audit: Audit) -> None:
    newest, oldest = unsound_audit.tasks["list_commits"]["data"]["commits"]
    assert newest["author_address"] == "zoe@example.org"
    assert oldest["date"].startswith("2020-02-03T04:05:06")
    assert oldest["subject"] == "Change"


def test_stopping_at_max_commits_is_what_was_asked_for(
    audit: Callable[..., Audit], unsound: Repository
) -> None:
    done = audit({"url": unsound.url, "max_commits": 1}, only=["list_commits"])
    result = done.tasks["list_commits"]
    assert len(result["data"]["commits"]) == 1
    assert result["partial"] == []


def test_a_shallow_source_is_partial(cut_short_audit: Audit) -> None:
    assert "shallow clone" in cut_short_audit.tasks["list_commits"]["partial"][0]
