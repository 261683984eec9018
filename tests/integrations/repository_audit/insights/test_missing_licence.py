from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from integrations.repository_audit.insights.missing_licence import licences

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Audit

NAME = "missing_licence"


def test_a_licence_at_the_top_passes(sound_audit: Audit) -> None:
    assert sound_audit.verdict(NAME) == "pass"
    assert sound_audit.tasks[NAME]["message"] == "licence: LICENSE"


def test_none_fails_with_what_to_add(unsound_audit: Audit) -> None:
    assert unsound_audit.verdict(NAME) == "fail"
    assert "Add LICENSE at its top" in unsound_audit.tasks[NAME]["message"]


def test_without_a_listing_nothing_is_known(blind_audit: Audit) -> None:
    assert blind_audit.verdict(NAME) == "unknown"


@pytest.mark.parametrize(
    "path",
    [
        "LICENSE",
        "licence.txt",
        "LICENSE-MIT",
        "COPYING",
        "COPYING.LESSER",
        "UNLICENSE",
        "LICENSES/x",
    ],
)
def test_the_usual_names_count(path: str) -> None:
    assert licences([{"path": path}]) == [path]


@pytest.mark.parametrize("path", ["vendor/x/LICENSE", "licensing_notes", "src/copying.py"])
def test_those_of_others_do_not(path: str) -> None:
    assert licences([{"path": path}]) == []
