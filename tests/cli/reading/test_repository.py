from pathlib import Path

import pytest

from cli.reading.repository import NoRepository, find_repository


def test_the_manifest_tells_the_top(tmp_path: Path) -> None:
    (tmp_path / "integrations.json").write_text("[]")
    inner = tmp_path / "docs" / "integrations" / "deep"
    inner.mkdir(parents=True)
    assert find_repository(inner).root == tmp_path


def test_without_a_manifest_folders_with_an_entry_do(tmp_path: Path) -> None:
    folder = tmp_path / "integrations" / "shop"
    folder.mkdir(parents=True)
    (folder / "entry.py").write_text("")
    assert find_repository(folder).root == tmp_path


def test_anywhere_else_it_says_how_to_begin(tmp_path: Path) -> None:
    (tmp_path / "integrations").mkdir()
    with pytest.raises(NoRepository) as caught:
        find_repository(tmp_path)
    assert "trueline new" in caught.value.advice
