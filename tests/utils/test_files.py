import os
from pathlib import Path

import pytest

from utils.files import (
    keep_files_private,
    make_data_directory,
    private_files,
    sync_file_system,
    write_durably,
    write_if_changed,
)


def test_content_and_mode_are_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_durably(path, b"one", 0o600)
    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*path.parent.iterdir()] == [path]


def test_private_files_are_read_by_nobody_else(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with private_files():
            (tmp_path / "private").touch()
        (tmp_path / "open").touch()
        keep_files_private()
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
    finally:
        os.umask(before)
    readable = [path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077]
    assert readable == ["open"]


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_if_changed(path, b"one")
    before = path.stat().st_ino
    write_if_changed(path, b"one")
    assert path.stat().st_ino == before
    write_if_changed(path, b"two")
    assert path.read_bytes() == b"two"


def test_a_wrong_mode_is_corrected(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_if_changed(path, b"one")
    path.chmod(0o644)
    write_if_changed(path, b"one")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        write_durably(tmp_path / "file", b"one")
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]


def test_data_directory_is_private_and_stays_out_of_git(tmp_path: Path) -> None:
    make_data_directory(tmp_path / "a" / "b")
    make_data_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b" / ".gitignore").read_text() == "*\n"


def test_a_file_system_takes_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    sync_file_system(tmp_path)
    with pytest.raises(OSError, match="missing"):
        sync_file_system(tmp_path / "missing")
