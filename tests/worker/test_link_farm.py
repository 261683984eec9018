import os
from pathlib import Path

import pytest

from worker.link_farm import LinkFarm, hard_link


def test_places_share_one_link(tmp_path: Path) -> None:
    farm = LinkFarm(tmp_path / "links")
    for name in ("one", "two"):
        farm.symlink(f"{tmp_path}/{name}", "../target", "group")
    assert (tmp_path / "one").readlink() == Path("../target")
    assert (tmp_path / "one").lstat().st_ino == (tmp_path / "two").lstat().st_ino


def test_a_kept_link_that_was_turned_is_not_passed_on(tmp_path: Path) -> None:
    farm = LinkFarm(tmp_path / "links")
    farm.symlink(f"{tmp_path}/one", "../target", "group")
    (kept,) = (tmp_path / "links" / "group").iterdir()
    kept.unlink()
    kept.symlink_to("/elsewhere")
    farm.symlink(f"{tmp_path}/two", "../target", "group")
    assert (tmp_path / "two").readlink() == Path("../target")


def test_where_links_cannot_be_shared_each_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file with as many names as the disk allows takes minutes to make.
    def too_many(*_: object, **__: object) -> None:
        raise OSError(31, os.strerror(31))

    monkeypatch.setattr("os.link", too_many)
    LinkFarm(tmp_path / "links").symlink(f"{tmp_path}/one", "../target", "group")
    assert (tmp_path / "one").readlink() == Path("../target")
    assert not hard_link(tmp_path / "one", tmp_path / "two")


def test_a_file_gets_another_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert hard_link(tmp_path / "file", tmp_path / "other")
    assert (tmp_path / "other").samefile(tmp_path / "file")
