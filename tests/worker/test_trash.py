import os
import sys
from pathlib import Path

import pytest

from worker.environment import Environment, EnvironmentGone
from worker.trash import Trash, delete


def make_environment(tmp_path: Path) -> Environment:
    path = tmp_path / "envs" / "key"
    path.mkdir(parents=True)
    (path / "content").touch()
    return Environment.at(path)


def test_an_environment_that_is_taken_can_no_longer_be_used(tmp_path: Path) -> None:
    environment = make_environment(tmp_path)
    assert Trash(tmp_path / "trash").take_unused(environment.path)
    with pytest.raises(EnvironmentGone, match="was reclaimed before"), environment.in_use():
        pass


def test_an_environment_in_use_is_not_taken(tmp_path: Path) -> None:
    environment = make_environment(tmp_path)
    trash = Trash(tmp_path / "trash")
    with environment.in_use(), environment.in_use():
        assert not trash.take_unused(environment.path)
    assert trash.take_unused(environment.path)


def test_what_was_set_aside_is_deleted_once_nobody_uses_it(tmp_path: Path) -> None:
    environment = make_environment(tmp_path)
    trash = Trash(tmp_path / "trash")
    with environment.in_use():
        trash.take(environment.path)
        trash.empty()
        assert [path.name for path in (tmp_path / "trash").glob("*/content")] == ["content"]
    trash.empty()
    assert list((tmp_path / "trash").iterdir()) == []


def test_taking_what_is_gone_says_so(tmp_path: Path) -> None:
    assert not Trash(tmp_path / "trash").take_unused(tmp_path / "nothing")
    Trash(tmp_path / "trash").empty()


def test_closed_folders_are_deleted_and_links_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir(mode=0o755)
    closed = tmp_path / "tree" / "closed"
    closed.mkdir(parents=True)
    (closed / "file").touch(mode=0o444)
    (closed / "link").symlink_to(tmp_path / "outside")
    for folder, mode in ((closed, 0o555), (closed.parent, 0o311)):
        folder.chmod(mode)
    delete(closed.parent)
    assert not closed.parent.exists()
    assert (tmp_path / "outside").stat().st_mode & 0o777 == 0o755


def test_folders_deeper_than_a_stack_of_calls_are_deleted(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    folder = os.open(tree, os.O_RDONLY)
    for _ in range(sys.getrecursionlimit() + 50):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    delete(tree)
    assert not tree.exists()
