from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Audit


def test_branches_come_with_age_author_and_whether_they_are_merged(unsound_audit: Audit) -> None:
    data = unsound_audit.tasks["list_branches"]["data"]
    old, main = data["branches"]
    assert data["default_branch"] == "main"
    assert (old["name"], old["merged"], old["is_default"]) == ("left-behind", True, False)
    assert old["date"].startswith("2020-02-03")
    assert (main["name"], main["is_default"]) == ("main", True)


def test_a_shallow_source_is_noted(cut_short_audit: Audit) -> None:
    assert "shallow clone" in cut_short_audit.tasks["list_branches"]["logs"][0]
