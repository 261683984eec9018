"""Tests of what is kept of an integration's tests."""

import json
from pathlib import Path

import pytest

from utils.quality import FILE_NAME, LIMIT_BYTES, Quality, folder_digest, quality_of, quality_text
from utils.tiers import Tier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "collectors").mkdir()
    (tmp_path / "collectors" / "keys.py").write_text("KEYS = 1\n")
    return tmp_path


def write(folder: Path) -> None:
    quality = Quality(Tier.GOLD, folder_digest(folder), {"passed": 2}, {}, "1.2.3", is_fresh=True)
    (folder / FILE_NAME).write_text(quality_text(quality))


def test_what_was_written_is_read_and_is_fresh(folder: Path) -> None:
    write(folder)

    found = quality_of(folder)

    assert found is not None
    assert (found.tier, found.tests, found.shown_tier) == (Tier.GOLD, {"passed": 2}, "gold")


@pytest.mark.parametrize("name", ["collectors/keys.py", "collectors/more.py", "quality.txt"])
def test_a_changed_or_new_file_makes_it_stale(folder: Path, name: str) -> None:
    write(folder)
    (folder / name).write_text("KEYS = 2\n")

    found = quality_of(folder)

    assert found is not None
    assert not found.is_fresh
    assert found.shown_tier is None


def test_hidden_files_and_bytecode_do_not_count(folder: Path) -> None:
    before = folder_digest(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("x")
    (folder / "collectors" / "__pycache__").mkdir()
    (folder / "collectors" / "__pycache__" / "keys.pyc").write_text("x")

    assert folder_digest(folder) == before


def test_a_renamed_file_is_another_folder(folder: Path) -> None:
    before = folder_digest(folder)
    (folder / "collectors" / "keys.py").rename(folder / "collectors" / "kez.py")

    assert folder_digest(folder) != before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"tier": "gold"}',
        json.dumps({"tier": "x", "digest": "", "tests": {}, "matrix": {}, "at_version": ""}),
        json.dumps({"tier": None, "digest": "", "tests": 1, "matrix": {}, "at_version": ""}),
        " " * (LIMIT_BYTES + 1),
        "[" * 100_000,
    ],
)
def test_a_file_that_says_nothing_is_as_none(folder: Path, content: str) -> None:
    (folder / FILE_NAME).write_text(content)

    assert quality_of(folder) is None


def test_a_folder_without_the_file_has_no_quality(folder: Path) -> None:
    assert quality_of(folder) is None


def test_a_file_may_say_that_there_is_no_tier(folder: Path) -> None:
    quality = Quality(None, folder_digest(folder), {}, {}, "1", is_fresh=True)
    (folder / FILE_NAME).write_text(quality_text(quality))

    found = quality_of(folder)

    assert found is not None
    assert found.shown_tier is None
