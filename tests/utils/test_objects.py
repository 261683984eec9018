from collections.abc import Callable
from pathlib import Path

import pytest

from utils import objects
from utils.errors import SourceError
from utils.git_errors import GitError, GitFailure
from utils.mirror import Mirror
from utils.objects import Objects


@pytest.fixture
def fetched(repository: Path, mirror_of: Callable[..., Mirror]) -> Objects:
    mirror = mirror_of(repository)
    mirror.fetch(mirror.head_commit())
    return Objects(mirror.git, mirror.directory, "the source")


def test_blobs_come_in_order_and_in_chunks(
    repository: Path,
    commit_files: Callable[..., str],
    mirror_of: Callable[..., Mirror],
) -> None:
    large = b"0123456789abcdef" * 200_000
    commit = commit_files(repository, {"large": large, "empty": b"", "small": b"x\n"})
    mirror = mirror_of(repository)
    mirror.fetch(commit)
    fetched = Objects(mirror.git, mirror.directory, "the source")
    files = {entry.path: entry for entry in fetched.tree(commit).files}
    wanted = [files[name].object_id for name in ("small", "large", "empty", "small")]
    with fetched.blobs(wanted) as blobs:
        contents = [list(chunks) for chunks in blobs]
    assert [b"".join(chunks) for chunks in contents] == [b"x\n", large, b"", b"x\n"]
    assert len(contents[1]) > 1


def test_a_missing_object_is_damage(fetched: Objects) -> None:
    with (
        pytest.raises(GitError) as failed,
        fetched.blobs(["1" * 40]) as blobs,
    ):
        next(blobs)
    assert failed.value.failure is GitFailure.DAMAGED


def test_no_objects_are_read_without_a_process(tmp_path: Path, fetched: Objects) -> None:
    nowhere = Objects(fetched.git, tmp_path / "nowhere", "x")
    with nowhere.blobs([]) as blobs:
        assert list(blobs) == []


def test_a_pathspec_is_only_a_name(fetched: Objects) -> None:
    commit = next((fetched.directory / "refs" / "trueline").iterdir()).name
    with pytest.raises(objects.NotInCommit):
        fetched.read_file(commit, ":(glob)**")
    with pytest.raises(objects.NotInCommit):
        fetched.read_file(commit, "integrations/alpha/")


def test_a_file_past_the_limit_is_not_read(
    repository: Path,
    commit_files: Callable[..., str],
    mirror_of: Callable[..., Mirror],
) -> None:
    size = objects.FILE_LIMIT_BYTES + 1
    commit = commit_files(repository, {"integrations.json": b"\0" * size})
    with pytest.raises(SourceError, match=rf"{size} bytes, more than the {size - 1}"):
        mirror_of(repository).read_file(commit, "integrations.json")


def test_a_tree_that_unfolds_without_end_is_refused(
    repository: Path,
    run_git: Callable[..., str],
    mirror_of: Callable[..., Mirror],
) -> None:
    blob = run_git(repository, "hash-object", "-w", "--stdin", stdin=b"x")
    lines = "".join(f"100644 blob {blob}\tname-{n}\n" for n in range(10))
    tree = run_git(repository, "mktree", stdin=lines.encode())
    for _ in range(9):
        lines = "".join(f"040000 tree {tree}\tname-{n}\n" for n in range(10))
        tree = run_git(repository, "mktree", stdin=lines.encode())
    commit = run_git(repository, "commit-tree", "-m", "x", tree)
    run_git(repository, "update-ref", "refs/heads/main", commit)
    with pytest.raises(GitError) as refused:
        mirror_of(repository).tree(commit)
    assert refused.value.failure is GitFailure.TOO_MUCH


def test_paths_that_are_new_or_other_are_told_and_those_that_are_gone_are_not(
    repository: Path,
    commit_files: Callable[..., str],
    mirror_of: Callable[..., Mirror],
) -> None:
    mirror = mirror_of(repository)
    (repository / "tool").write_text("x")
    before = commit_files(repository, {"gone": "", "a/b/odd\t\u00e9\n": "1", "moved": "m", "f": ""})
    (repository / "gone").unlink()
    (repository / "tool").chmod(0o755)
    (repository / "moved").rename(repository / "a" / "moved")
    (repository / "f").unlink()
    after = commit_files(repository, {"a/b/odd\t\u00e9\n": "2", "f/inner": ""})
    for commit in (before, after):
        mirror.fetch(commit)
    objects = Objects(mirror.git, mirror.directory, "the source")
    assert objects.changed_paths(before, after) == {
        *("tool", "a/moved", "a/b/odd\t\u00e9\n", "f/inner")
    }
    assert objects.changed_paths(after, after) == set()


def test_a_commit_that_is_not_here_cannot_be_compared_with(fetched: Objects) -> None:
    commit = next((fetched.directory / "refs" / "trueline").iterdir()).name
    with pytest.raises(GitError):
        fetched.changed_paths("1" * 40, commit)
