"""Tests of running again at changes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.watching import marks_of, rerun_at_changes


class Over(Exception):  # noqa: N818 - an event
    """Ends a watch."""


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "entry.py").write_text("changed"),
        lambda folder: (folder / "new.py").write_text(""),
        lambda folder: (folder / "collectors" / "deep.py").write_text("changed"),
        lambda folder: (folder / "entry.py").unlink(),
        lambda folder: (folder / "entry.py").rename(folder / "other.py"),
    ],
)
def test_each_kind_of_change_is_run_once(tmp_path: Path, change: Callable[[Path], object]) -> None:
    (tmp_path / "collectors").mkdir()
    for name in ("entry.py", "collectors/deep.py"):
        (tmp_path / name).write_text("first")
    runs, looks = 0, 0

    def run() -> None:
        nonlocal runs
        runs += 1

    def pause(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            change(tmp_path)
        if looks == 20:
            raise Over

    with pytest.raises(Over):
        rerun_at_changes([tmp_path], run, pause)

    assert runs == 2


def test_a_change_during_a_run_is_not_missed(tmp_path: Path) -> None:
    runs = 0

    def run() -> None:
        nonlocal runs
        runs += 1
        (tmp_path / f"{runs}.py").write_text("")
        if runs == 3:
            raise Over

    with pytest.raises(Over):
        rerun_at_changes([tmp_path], run, lambda _: None)

    assert runs == 3


def test_hidden_files_bytecode_and_missing_folders_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_text("x")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("x")

    assert marks_of([tmp_path, tmp_path / "gone"]) == {}
