import os
import subprocess
from pathlib import Path

import pytest

from worker.local_source import repository_folders


def git(*arguments: str | Path, cwd: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=T", "-c", "user.email=t@example.invalid")
    subprocess.run(["git", *who, *arguments], cwd=cwd, env=environ, check=True, timeout=60)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "a checkout"
    path.mkdir()
    git("init", "--quiet", cwd=path)
    git("commit", "--quiet", "--allow-empty", "--message=first", cwd=path)
    return path


def test_checkout_shows_its_repository_and_none_of_its_files(checkout: Path) -> None:
    assert repository_folders(checkout.as_uri()) == (checkout / ".git",)
    assert repository_folders(str(checkout)) == (checkout / ".git",)


def test_bare_repository_shows_itself(checkout: Path, tmp_path: Path) -> None:
    git("clone", "--quiet", "--bare", checkout, tmp_path / "bare.git", cwd=tmp_path)
    assert repository_folders((tmp_path / "bare.git").as_uri()) == (tmp_path / "bare.git",)


def test_further_work_tree_shows_where_its_repository_lies(checkout: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git("worktree", "add", "--quiet", tree, cwd=checkout)
    found = [path.resolve() for path in repository_folders(tree.as_uri())]
    repository = checkout / ".git"
    assert found == [tree / ".git", repository / "worktrees" / "tree", repository]


def test_borrowed_objects_show(checkout: Path, tmp_path: Path) -> None:
    git("clone", "--quiet", "--bare", "--shared", checkout, "shared.git", cwd=tmp_path)
    found = repository_folders((tmp_path / "shared.git").as_uri())
    assert found == (tmp_path / "shared.git", checkout / ".git" / "objects")


@pytest.mark.parametrize(
    "url", ["https://host/a.git", "ssh://git@host/a", "git@host:a", "file:///absent", ""]
)
def test_source_elsewhere_shows_nothing(url: str) -> None:
    assert repository_folders(url) == ()
