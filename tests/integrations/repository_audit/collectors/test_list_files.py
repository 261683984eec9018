from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.repository_audit.collectors.list_files import listed
from integrations.repository_audit.tree import Entry, Kind

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Audit


def entry(path: str, size_bytes: int) -> Entry:
    return Entry(path, "100644", Kind.FILE, "0" * 40, size_bytes)


def test_files_come_with_size_mode_and_kind(unsound_audit: Audit) -> None:
    data = unsound_audit.tasks["list_files"]["data"]
    assert data["total_files"] == 4
    assert data["files"][0] == {
        "path": "a.txt",
        "size_bytes": 3,
        "mode": "100644",
        "kind": "file",
        "is_binary": False,
    }
    assert data["total_bytes"] == sum(file["size_bytes"] for file in data["files"])


def test_of_too_many_files_the_top_and_the_largest_are_kept() -> None:
    tree = [entry("README.md", 1), entry("a/big", 9), entry("a/small", 2), entry("b/mid", 5)]
    assert [kept.path for kept in listed(tree, 3)] == ["README.md", "a/big", "b/mid"]
    assert listed(tree, 4) == tree
