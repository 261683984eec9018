import os
import shutil
from pathlib import Path

import pytest

from worker.tree_marks import TreeMarks, files_below


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "tree"
    (path / "folder").mkdir(parents=True)
    (path / "folder" / "file.py").write_text("text")
    (path / "link").symlink_to("folder")
    return path


def test_what_was_written_is_read(tree: Path, tmp_path: Path) -> None:
    marks = TreeMarks.of(tree, "/prefix", is_open=True)
    (tmp_path / "marks").write_bytes(marks.rendered())
    assert TreeMarks.read(tmp_path / "marks") == marks
    assert set(marks.marks) == {"folder/file.py", "link"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"marks": {"a": 1}}', b"\xff"])
def test_marks_that_were_cut_short_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "marks").write_bytes(content)
    assert TreeMarks.read(tmp_path / "marks") is None
    assert TreeMarks.read(tmp_path / "missing") is None


def test_a_copy_is_whole(tree: Path, tmp_path: Path) -> None:
    marks = TreeMarks.of(tree)
    shutil.copytree(tree, tmp_path / "copy", symlinks=True)
    assert marks.difference(tmp_path / "copy") == ""


def test_a_change_that_keeps_size_and_time_is_seen(tree: Path) -> None:
    marks, file = TreeMarks.of(tree), tree / "folder" / "file.py"
    before = file.stat()
    file.write_text("evil")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert marks.difference(tree) == "folder/file.py of tree is missing or was changed"


def test_other_links_and_other_files_are_seen(tree: Path, tmp_path: Path) -> None:
    marks = TreeMarks.of(tree)
    (tree / "link").unlink()
    (tree / "link").symlink_to("nowhere")
    assert "link of tree" in marks.difference(tree)
    (tree / "more.py").touch()
    assert marks.difference(tree) == "more.py of tree was added"
    assert "cannot be read" in marks.difference(tmp_path / "missing")


def test_links_are_not_followed(tree: Path) -> None:
    assert sorted(name for name, _ in files_below(tree)) == ["folder/file.py", "link"]
