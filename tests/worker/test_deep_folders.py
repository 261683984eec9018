import os
from pathlib import Path

from worker.deep_folders import remove_deep


def test_folders_deeper_than_a_path_or_a_stack_are_removed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("x")
    top = tmp_path / "top"
    top.mkdir()
    folder = os.open(top, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("d", dir_fd=folder)
        os.mkdir("e", dir_fd=folder)
        os.symlink(outside, "link", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.chmod("e", 0, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    remove_deep(top)
    assert not list(top.iterdir())
    assert (outside / "file").read_text() == "x"
