from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.repository_audit.insights.large_files import MEBIBYTE, large_file_resources

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Audit

NAME = "large_files"


def test_small_files_pass(sound_audit: Audit) -> None:
    assert sound_audit.verdict(NAME) == "pass"


def test_a_file_above_the_configured_size_fails(unsound_audit: Audit) -> None:
    assert unsound_audit.verdict(NAME) == "fail"
    assert unsound_audit.ids(NAME) == ["data.csv"]


def test_without_a_listing_nothing_is_known(blind_audit: Audit) -> None:
    assert blind_audit.verdict(NAME) == "unknown"


def test_the_largest_come_first_and_ten_times_the_limit_is_worse() -> None:
    sizes = {"just.csv": 5, "over.csv": 6, "far.csv": 51}
    files = [{"path": path, "size_bytes": size * MEBIBYTE} for path, size in sizes.items()]
    resources = large_file_resources(files, 5)
    assert [(found["id"], found["severity"]) for found in resources] == [
        ("far.csv", "medium"),
        ("over.csv", None),
    ]
    assert "Move it to Git LFS" in resources[0]["message"]
