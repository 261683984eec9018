from __future__ import annotations

import re
from typing import TYPE_CHECKING

from integrations.repository_audit.insights.unknown_authors import unknown_author_resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integrations.repository_audit.conftest import Audit, Repository

NAME = "unknown_authors"


def commit(commit_id: str, address: str) -> dict[str, str]:
    return {"id": commit_id * 40, "author_name": "Zoe", "author_address": address}


def test_matching_authors_pass(sound_audit: Audit) -> None:
    assert sound_audit.verdict(NAME) == "pass"


def test_another_address_fails_with_its_newest_commit(unsound_audit: Audit) -> None:
    result = unsound_audit.tasks[NAME]
    assert (result["verdict"], result["severity"]) == ("fail", "medium")
    assert unsound_audit.ids(NAME) == ["zoe@example.org"]
    assert "Zoe <zoe@example.org> wrote 1 commit" in result["resources"][0]["message"]


def test_a_cut_or_missing_history_is_unknown(cut_short_audit: Audit, blind_audit: Audit) -> None:
    assert cut_short_audit.verdict(NAME) == "unknown"
    assert blind_audit.verdict(NAME) == "unknown"


def test_without_a_pattern_it_passes_and_says_that_nothing_was_checked(
    audit: Callable[..., Audit], unsound: Repository
) -> None:
    result = audit({"url": unsound.url}, only=["list_commits", NAME]).tasks[NAME]
    assert result["verdict"] == "pass"
    assert result["message"] == "not checked: `author_pattern` is not configured"


def test_a_pattern_that_is_none_is_a_failed_task_that_says_so(
    audit: Callable[..., Audit], unsound: Repository
) -> None:
    config = {"url": unsound.url, "author_pattern": "(["}
    result = audit(config, only=["list_commits", NAME]).tasks[NAME]
    assert (result["status"], result["verdict"]) == ("failed", "unknown")
    assert "author_pattern '([' is not a regular expression" in result["reason"]


def test_addresses_are_one_whatever_their_capitals() -> None:
    commits = [commit("b", "Zoe@x"), commit("a", "zoe@X"), commit("c", "ann@Example.COM")]
    (found,) = unknown_author_resources(commits, re.compile(r"@example\.com$", re.IGNORECASE))
    assert found["id"] == "zoe@x"
    assert found["data"]["commits"] == 2
    assert found["data"]["newest_commit"] == "b" * 40


def test_an_author_without_an_address_is_unknown_too() -> None:
    (found,) = unknown_author_resources([commit("a", "")], re.compile("@"))
    assert found["id"] == "no address"
