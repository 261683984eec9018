"""What of a commit is written and what is shared; trees that git itself would never make."""

import os
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.mirror import Mirror
from utils.snapshot import Snapshot, Snapshots

RunGit = Callable[..., str]
CommitFiles = Callable[..., str]
Checked = Callable[[Path], dict[str, tuple[str, bytes]]]
# Mode, kind, content, name.
Line = tuple[str, bytes, str]


@pytest.fixture
def snapshots(
    repository: Path, mirror_of: Callable[..., Mirror], snapshots_of: Callable[..., Snapshots]
) -> Snapshots:
    return snapshots_of(mirror_of(repository))


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


def inode(snapshot: Snapshot, path: str) -> int:
    return (snapshot.path / path).stat().st_ino


def test_of_a_new_commit_only_changed_files_are_written(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    (repository / "tool").write_text("x")
    first = snapshots.take(commit_files(repository, {"doomed": "", "old name": "moved"}))
    (repository / "doomed").unlink()
    (repository / "old name").rename(repository / "new name")
    (repository / "tool").chmod(0o755)
    second = snapshots.take(commit_files(repository, {"integrations/alpha/entry.py": "2"}))
    shared = {"integrations.json", "integrations/beta/entry.py"}
    new = {"integrations/alpha/entry.py", "tool", "new name"}
    files = {str(one.relative_to(second.path)) for one in second.path.rglob("*") if one.is_file()}
    assert files == shared | new
    assert all(inode(first, path) == inode(second, path) for path in shared)
    assert inode(first, "tool") != inode(second, "tool")
    assert (second.path / "integrations/alpha/entry.py").read_text() == "2"
    assert (first.path / "integrations/alpha/entry.py").read_text() == "print('alpha')\n"
    assert (second.path / "tool").stat().st_mode & stat.S_IXUSR
    assert not (first.path / "tool").stat().st_mode & stat.S_IXUSR
    assert (second.path / "new name").read_text() == "moved"


def test_a_way_up_from_an_unchanged_folder_leads_to_the_commit_s_own_files(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    (repository / "integrations/alpha/link").symlink_to("../../shared/x")
    first = snapshots.take(commit_files(repository, {"shared/x": "1"}))
    second = snapshots.take(commit_files(repository, {"shared/x": "2"}))
    for snapshot, content in ((first, "1"), (second, "2")):
        folder = snapshot.path / "integrations" / "alpha"
        assert (folder / "link").read_text() == content
        assert (folder / ".." / ".." / "shared" / "x").read_text() == content
        assert ((folder / "entry.py").resolve().parents[2] / "shared" / "x").read_text() == content


def same_size(path: Path) -> None:
    with path.open("r+b") as file:  # as a job of root can, whatever the mode
        file.write(b"print('EVIL!')"[: path.stat().st_size - 1])


def make_writable(path: Path) -> None:
    path.chmod(0o644)


def replace_by_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("harm", [same_size, make_writable, replace_by_a_link, remove])
def test_a_file_that_somebody_has_touched_is_not_shared(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots, harm: Callable[[Path], None]
) -> None:
    first = snapshots.take(snapshots.mirror.head_commit())
    folder = first.path / "integrations" / "beta"
    folder.chmod(0o755)
    entry = folder / "entry.py"
    if harm is same_size and os.geteuid() != 0:
        entry.chmod(0o644)
    harm(entry)
    second = snapshots.take(commit_files(repository, {"more": "x"}))
    assert (second.path / "integrations/beta/entry.py").read_text() == "print('beta')\n"
    assert not (second.path / "integrations/beta/entry.py").stat().st_mode & 0o222


def test_a_pipe_in_the_place_of_an_empty_file_is_not_shared(
    commit_files: CommitFiles, repository: Path, snapshots: Snapshots
) -> None:
    first = snapshots.take(commit_files(repository, {"folder/empty": ""}))
    empty = first.path / "folder" / "empty"
    times = (empty.stat().st_mtime_ns, empty.stat().st_mtime_ns)
    empty.parent.chmod(0o755)
    empty.unlink()
    os.mkfifo(empty, 0o444)
    os.utime(empty, ns=times)
    second = snapshots.take(commit_files(repository, {"more": ""}))
    assert (second.path / "folder" / "empty").is_file()


def test_what_takes_the_place_of_a_file_folder_or_link_is_written(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    (repository / "c").symlink_to("integrations")
    first = commit_files(repository, {"a": "file", "b/inner": "folder"})
    (repository / "a").unlink()
    (repository / "b" / "inner").unlink()
    (repository / "b").rmdir()
    (repository / "c").unlink()
    (repository / "b").symlink_to("a")
    second = commit_files(repository, {"a/inner": "folder", "c": "file"})
    for one, other in ((first, second), (second, first)):
        snapshots.take(one)
        snapshot = snapshots.take(other)
        assert not snapshot.left_out
        for commit in (one, other):
            snapshots.discard(commit)
    snapshots.take(first)
    after = snapshots.take(second).path
    assert (after / "a/inner").read_text() == (after / "b/inner").read_text() == "folder"
    assert (after / "c").read_text() == "file"


def change_at_random(repository: Path, choose: random.Random) -> None:
    folders = ("", "a/", "a/b/", "c/")
    for name in choose.sample([f"{folder}{name}" for folder in folders for name in "xya"], 4):
        path = repository / name
        if any((repository / above).is_file() for above in Path(name).parents):
            continue
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = choose.choice(["link", "program", "file", "nothing"])
        if kind == "link":
            path.symlink_to("integrations.json")
        elif kind != "nothing":
            path.write_text(choose.choice(["one", "two"]))
            path.chmod(0o755 if kind == "program" else 0o644)


def test_any_row_of_commits_gives_what_git_would_check_out(
    as_checked_out: Checked, repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    choose = random.Random(7)
    commits: list[str] = []
    shared = 0
    for number in range(25):
        change_at_random(repository, choose)
        commits.append(commit_files(repository, {}))
        snapshot = snapshots.take(commits[-1])
        assert as_checked_out(snapshot.path) == as_checked_out(repository), number
        shared += sum(
            path.is_file() and path.stat().st_nlink > 1 for path in snapshot.path.rglob("*")
        )
        if choose.random() < 0.3:
            snapshots.discard(choose.choice(commits))
    assert shared > 25


def test_of_two_files_of_one_name_the_one_that_was_not_written_is_never_taken_for_the_other(
    commit_tree: Callable[[list[Line]], str],
    snapshots: Snapshots,
) -> None:
    both = [("100644", b"one", "entry.py"), ("100644", b"two", "entry.py")]
    first = snapshots.take(commit_tree([*both, ("100644", b"x", "other")]))
    assert (first.path / "entry.py").read_bytes() == b"one"
    assert set(first.left_out) == {"entry.py"}
    second = snapshots.take(commit_tree([both[1], ("100644", b"x", "other")]))
    assert (second.path / "entry.py").read_bytes() == b"two"
    assert (first.path / "other").samefile(second.path / "other")
