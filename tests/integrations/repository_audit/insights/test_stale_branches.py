from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from integrations.repository_audit.insights.stale_branches import stale_branch_resources

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Audit

NAME = "stale_branches"
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def branch(name: str, date: str, **fields: Any) -> dict[str, Any]:
    author = {"author_name": "Ann", "author_address": "ann@example.com", "commit": "0" * 40}
    return {"name": name, "date": date, "is_default": False, "merged": False, **author, **fields}


def test_recent_branches_pass(sound_audit: Audit) -> None:
    assert sound_audit.verdict(NAME) == "pass"


def test_an_old_branch_fails(unsound_audit: Audit) -> None:
    assert unsound_audit.verdict(NAME) == "fail"
    assert unsound_audit.ids(NAME) == ["left-behind"]


def test_without_a_listing_nothing_is_known(blind_audit: Audit) -> None:
    assert blind_audit.verdict(NAME) == "unknown"


def test_the_oldest_come_first_and_the_limit_is_in_days() -> None:
    branches = [
        branch("fresh", "2026-06-20T12:00:00+00:00"),
        branch("stale", "2026-06-20T11:59:59+00:00"),
        branch("older", "2025-06-20T12:00:00+02:00", merged=True),
    ]
    older, stale = stale_branch_resources(branches, 10, NOW)
    assert (older["id"], stale["id"]) == ("older", "stale")
    assert "375 days ago by Ann. It is merged: delete it" in older["message"]
    assert "Ask its author" in stale["message"]


@pytest.mark.parametrize(
    "name",
    ["release/1.2", "releases-2019", "stable", "stable-2.9", "v1.x", "2.4", "maint/1", "gh-pages"],
)
def test_a_branch_that_releases_come_from_is_not_left_behind(name: str) -> None:
    assert stale_branch_resources([branch(name, "2020-01-01T00:00:00+00:00")], 90, NOW) == []


@pytest.mark.parametrize("name", ["releaser-rewrite", "v1", "fix/unstable", "stabler"])
def test_other_names_are(name: str) -> None:
    assert stale_branch_resources([branch(name, "2020-01-01T00:00:00+00:00")], 90, NOW)


def test_the_default_branch_never_is() -> None:
    default = branch("main", "2020-01-01T00:00:00+00:00", is_default=True)
    assert stale_branch_resources([default], 90, NOW) == []
