from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from integrations.repository_audit.insights.missing_readme import readmes

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Audit

NAME = "missing_readme"


def test_a_readme_at_the_top_passes(sound_audit: Audit) -> None:
    assert sound_audit.verdict(NAME) == "pass"


def test_none_fails_with_what_to_add(unsound_audit: Audit) -> None:
    assert unsound_audit.verdict(NAME) == "fail"
    assert "Add README.md" in unsound_audit.tasks[NAME]["message"]


def test_without_a_listing_nothing_is_known(blind_audit: Audit) -> None:
    assert blind_audit.verdict(NAME) == "unknown"


@pytest.mark.parametrize("path", ["README", "readme.rst", "README.zh.md", ".github/README.md"])
def test_the_usual_places_count(path: str) -> None:
    assert readmes([{"path": path, "size_bytes": 10}]) == [path]


def test_an_empty_one_or_one_further_down_does_not() -> None:
    files = [{"path": "README.md", "size_bytes": 0}, {"path": "src/README.md", "size_bytes": 10}]
    assert readmes(files) == []
