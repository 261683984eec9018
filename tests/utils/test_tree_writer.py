"""Trees that git itself would never make, written by hand."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.mirror import Mirror
from utils.snapshot import Snapshots

RunGit = Callable[..., str]
# Mode, kind, content, name.
Line = tuple[str, bytes, str]


@pytest.fixture
def commit_tree(repository: Path, run_git: RunGit) -> Callable[[list[Line]], str]:
    """Commit a root tree of `(mode, content or tree id, name)` as it stands, sorted or not."""

    def make(lines: list[Line]) -> str:
        tree = hand_made(repository, run_git, lines)
        commit = run_git(repository, "commit-tree", "-m", "x", tree)
        run_git(repository, "update-ref", "refs/heads/main", commit)
        return commit

    return make


def hand_made(repository: Path, run_git: RunGit, lines: list[Line]) -> str:
    raw = b""
    for mode, content, name in lines:
        object_id = (
            content.decode()
            if mode == "40000"
            else run_git(repository, "hash-object", "-w", "--stdin", stdin=content)
        )
        raw += f"{mode} {name}".encode() + b"\0" + bytes.fromhex(object_id)
    write = ("hash-object", "-w", "-t", "tree", "--literally", "--stdin")
    return run_git(repository, *write, stdin=raw)


def test_a_link_and_a_folder_of_one_name_cannot_lead_a_file_outside(
    repository: Path,
    run_git: RunGit,
    commit_tree: Callable[[list[Line]], str],
    mirror_of: Callable[..., Mirror],
    snapshots_of: Callable[..., Snapshots],
) -> None:
    inner = hand_made(repository, run_git, [("100644", b"evil", "file")])
    commit = commit_tree(
        [
            ("120000", b"other", "door"),
            ("40000", inner.encode(), "door"),
            ("40000", inner.encode(), "other"),
        ]
    )
    snapshot = snapshots_of(mirror_of(repository)).take(commit)
    assert (snapshot.path / "door").is_dir()
    assert not (snapshot.path / "door").is_symlink()
    assert set(snapshot.left_out) == {"door"}


def test_a_name_listed_twice_is_written_once_and_rejects_its_integration(
    repository: Path,
    run_git: RunGit,
    commit_tree: Callable[[list[Line]], str],
    mirror_of: Callable[..., Mirror],
    snapshots_of: Callable[..., Snapshots],
) -> None:
    twice = hand_made(
        repository, run_git, [("100644", b"first", "entry.py"), ("100644", b"second", "entry.py")]
    )
    good = hand_made(repository, run_git, [("100644", b"good", "entry.py")])
    folders = hand_made(
        repository, run_git, [("40000", twice.encode(), "bad"), ("40000", good.encode(), "good")]
    )
    commit = commit_tree([("40000", folders.encode(), "integrations")])
    snapshot = snapshots_of(mirror_of(repository)).take(commit)
    assert set(snapshot.rejected) == {"bad"}
    assert (snapshot.path / "integrations/good/entry.py").read_bytes() == b"good"
    assert (snapshot.path / "integrations/bad/entry.py").read_bytes() == b"first"


@pytest.mark.parametrize("name", [".git", "..", ".GIT"])
def test_a_git_folder_or_a_way_up_is_never_written(
    tmp_path: Path,
    repository: Path,
    run_git: RunGit,
    commit_tree: Callable[[list[Line]], str],
    mirror_of: Callable[..., Mirror],
    snapshots_of: Callable[..., Snapshots],
    name: str,
) -> None:
    inner = hand_made(repository, run_git, [("100644", b"evil", "escaped-file")])
    commit = commit_tree([("40000", inner.encode(), name), ("100644", b"x", "ok")])
    snapshot = snapshots_of(mirror_of(repository)).take(commit)
    assert os.listdir(snapshot.path) == ["ok"]  # noqa: PTH208 - names alone
    assert not list(tmp_path.rglob("escaped-file"))


def test_a_name_that_the_file_system_cannot_hold_is_left_out(
    repository: Path,
    commit_tree: Callable[[list[Line]], str],
    mirror_of: Callable[..., Mirror],
    snapshots_of: Callable[..., Snapshots],
) -> None:
    commit = commit_tree([("100644", b"x", "n" * 300), ("100644", b"y", "ok")])
    snapshot = snapshots_of(mirror_of(repository)).take(commit)
    assert set(snapshot.left_out) == {"n" * 300}
    assert (snapshot.path / "ok").read_bytes() == b"y"
