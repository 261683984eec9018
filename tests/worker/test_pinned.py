import os
from pathlib import Path

import pytest

from worker.pinned import open_pinned, pinned


def test_pinned_folder_stays_its_own_when_another_takes_its_name(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    for one in (folder, other):
        one.mkdir()
        (one / "file").write_text(one.name)
    with pinned(folder) as here:
        folder.rename(tmp_path / "aside")
        folder.symlink_to(other)
        assert (here / "file").read_text() == "folder"


def test_link_in_the_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    (tmp_path / "folder").symlink_to("other")
    with pytest.raises(NotADirectoryError), pinned(tmp_path / "folder"):
        pass
    with pytest.raises(NotADirectoryError):
        open_pinned(tmp_path / "folder" / "file", os.O_RDONLY)


def test_file_of_a_folder_is_opened_and_a_link_there_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    descriptor = open_pinned(tmp_path / "file", os.O_RDONLY)
    assert os.read(descriptor, 10) == b"text"
    os.close(descriptor)
    with pytest.raises(OSError, match="symbolic links"):
        open_pinned(str(tmp_path / "link"), os.O_RDONLY)


@pytest.mark.parametrize("mode", [0o300, 0o000])
def test_folder_that_may_not_be_read_can_be_held(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=mode)
    with pinned(folder) as here:
        here.chmod(0o700)
    assert list(folder.iterdir()) == []
