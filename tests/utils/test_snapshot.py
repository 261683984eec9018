"""Fault rows 23 and 25, security row 4."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from utils.errors import SourceError
from utils.mirror import Mirror, open_source
from utils.settings import read_settings
from utils.snapshot import Snapshot, Snapshots, open_snapshots

RunGit = Callable[..., str]
CommitFiles = Callable[..., str]
Checked = Callable[[Path], dict[str, tuple[str, bytes]]]
Take = Callable[[str], Snapshot]


@pytest.fixture
def snapshots(
    repository: Path, mirror_of: Callable[..., Mirror], snapshots_of: Callable[..., Snapshots]
) -> Snapshots:
    return snapshots_of(mirror_of(repository))


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} - {".lock"}


def test_a_commit_becomes_a_directory_of_read_only_files(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    tool = repository / "tool.sh"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    commit = commit_files(repository, {"odd näme/\tx": b"\r\n\0binary", "empty": b""})
    snapshot = snapshots.take(commit)
    assert snapshot.path == snapshots.directory / commit
    assert (snapshot.path / "odd näme/\tx").read_bytes() == b"\r\n\0binary"
    assert (snapshot.path / "empty").read_bytes() == b""
    assert snapshot.rejected == {}
    for path in snapshot.path.rglob("*"):
        assert not path.stat().st_mode & 0o222, path
    assert (snapshot.path / "tool.sh").stat().st_mode & stat.S_IXUSR
    assert not (snapshot.path / "empty").stat().st_mode & 0o111


def test_content_is_exact_whatever_attributes_and_filters_say(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    attributes = "* text eol=crlf ident filter=lfs export-ignore\n"
    commit = commit_files(repository, {"file": "$Id$\n", ".gitattributes": attributes})
    snapshot = snapshots.take(commit)
    assert (snapshot.path / "file").read_bytes() == b"$Id$\n"


def test_taking_it_again_touches_neither_git_nor_the_files(
    repository: Path, snapshots: Snapshots
) -> None:
    commit = snapshots.mirror.head_commit()
    first = snapshots.take(commit)
    repository.rename(repository.with_name("away"))
    snapshots.mirror.directory.rename(snapshots.mirror.directory.with_name("gone"))
    assert snapshots.take(commit) == first
    assert snapshots.commits() == (commit,)


def test_links_inside_are_kept_and_an_escaping_one_rejects_its_integration_alone(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    (repository / "integrations/alpha/passwd").symlink_to("/etc/passwd")
    (repository / "integrations/alpha/up").symlink_to("../../../x")
    (repository / "integrations/beta/same").symlink_to("entry.py")
    (repository / "integrations/beta/shared").symlink_to("../../integrations.json")
    snapshot = snapshots.take(commit_files(repository, {}))
    assert set(snapshot.rejected) == {"alpha"}
    assert "/etc/passwd" in snapshot.rejected["alpha"]
    assert not (snapshot.path / "integrations/alpha/passwd").is_symlink()
    assert not (snapshot.path / "integrations/alpha/up").is_symlink()
    assert (snapshot.path / "integrations/beta/same").read_text() == "print('beta')\n"
    assert (snapshot.path / "integrations/beta/shared").read_text() == "[]"


def test_a_rejection_is_known_to_whoever_takes_it_later(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    (repository / "integrations/alpha/out").symlink_to("/etc")
    commit = commit_files(repository, {})
    first = snapshots.take(commit)
    again = Snapshots(snapshots.mirror, snapshots.directory).take(commit)
    assert again == first
    assert set(again.rejected) == {"alpha"}


def test_a_submodule_is_an_empty_directory(
    tmp_path: Path,
    repository: Path,
    run_git: RunGit,
    commit_files: CommitFiles,
    snapshots: Snapshots,
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    run_git(other, "init", "--quiet")
    commit_files(other, {"secret": "x"})
    run_git(repository, "submodule", "--quiet", "add", str(other), "integrations/alpha/module")
    snapshot = snapshots.take(commit_files(repository, {}))
    module = snapshot.path / "integrations/alpha/module"
    assert module.is_dir()
    assert not list(module.iterdir())
    assert snapshot.rejected == {}


def test_names_that_differ_by_case_are_both_there_where_the_disk_can(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    snapshot = snapshots.take(commit_files(repository, {"README": "1", "readme": "2"}))
    contents = {path.name: path.read_text() for path in snapshot.path.glob("[Rr]*")}
    assert contents == {"README": "1", "readme": "2"} or "readme" in snapshot.left_out


def test_a_commit_past_the_limit_is_refused_with_both_numbers_and_writes_nothing(
    repository: Path,
    commit_files: CommitFiles,
    mirror_of: Callable[..., Mirror],
    snapshots_of: Callable[..., Snapshots],
) -> None:
    snapshots = snapshots_of(mirror_of(repository), max_bytes=5_000)
    commit = commit_files(repository, {"large": b"x" * 6_000})
    with pytest.raises(SourceError, match=r"have 60\d\d bytes, more than the limit of 5000") as big:
        snapshots.take(commit)
    assert "TRUELINE_SOURCE_LIMIT_MB" in big.value.advice
    assert names(snapshots.directory) == set()


def test_settings_set_the_limit_and_the_place(tmp_path: Path, repository: Path) -> None:
    environ = {"TRUELINE_SOURCE_URL": str(repository), "TRUELINE_SOURCE_LIMIT_MB": "2"}
    settings = read_settings(environ, tmp_path)
    mirror = open_source(tmp_path / "source", settings, os.environ)
    snapshots = open_snapshots(mirror, settings)
    assert snapshots.max_bytes == 2 * 1024 * 1024
    assert snapshots.directory == mirror.directory.parent / "snapshots"


TAKE = """
import os, sys
from pathlib import Path
from utils.git import Git
from utils.mirror import Mirror
from utils.snapshot import Snapshots
from utils.source import Source
root = Path(sys.argv[1])
mirror = Mirror(Git(root / "home", 60, os.environ), root / "mirror.git", Source(sys.argv[2]))
snapshot = Snapshots(mirror, root / "snapshots").take(sys.argv[3])
print(snapshot.path.stat().st_ino)
"""


@pytest.mark.parametrize("point", ["snapshot-half-written", "snapshot-before-rename"])
def test_a_snapshot_killed_half_way_is_never_used_and_cleared_at_the_next_take(
    repository: Path,
    commit_files: CommitFiles,
    snapshots: Snapshots,
    run_python: Callable[..., subprocess.Popen[str]],
    point: str,
) -> None:
    commit = commit_files(repository, {"integrations/alpha/more.py": "x"})
    root = snapshots.directory.parent
    failpoint = f"{point}:kill9"
    killed = run_python(TAKE, root, repository.as_uri(), commit, TRUELINE_FAILPOINT=failpoint)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    assert snapshots.commits() == ()
    assert any(name.startswith(".building-") for name in names(snapshots.directory))
    snapshot = snapshots.take(commit)
    assert (snapshot.path / "integrations/alpha/more.py").read_text() == "x"
    assert names(snapshots.directory) == {commit, f"{commit}.json"}


def test_processes_that_take_the_same_commit_build_it_once(
    repository: Path,
    snapshots: Snapshots,
    run_python: Callable[..., subprocess.Popen[str]],
) -> None:
    commit = snapshots.mirror.head_commit()
    root = snapshots.directory.parent
    started = [run_python(TAKE, root, repository.as_uri(), commit) for _ in range(3)]
    answers = []
    for process in started:
        answer, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        answers.append(int(answer))
    assert set(answers) == {snapshots.take(commit).path.stat().st_ino}
    assert names(snapshots.directory) == {commit, f"{commit}.json"}


def test_a_truncated_mirror_is_healed_while_a_snapshot_is_made(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    commit = commit_files(repository, {"noise": os.urandom(100_000)})
    snapshots.mirror.fetch(commit)
    (pack,) = (snapshots.mirror.directory / "objects" / "pack").glob("*.pack")
    pack.chmod(0o644)
    os.truncate(pack, pack.stat().st_size - 50_000)
    snapshot = snapshots.take(commit)
    assert (snapshot.path / "noise").stat().st_size == 100_000
    assert names(snapshots.directory) == {commit, f"{commit}.json"}


def test_a_discarded_snapshot_is_gone_and_can_be_taken_again(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    (repository / "integrations/alpha/out").symlink_to("/etc")
    commit = commit_files(repository, {})
    snapshots.take(commit)
    snapshots.discard(commit)
    assert names(snapshots.directory) == set()
    assert snapshots.commits() == ()
    snapshots.discard(commit)
    assert set(snapshots.take(commit).rejected) == {"alpha"}


FULL = """
import os, resource, sys
from pathlib import Path
from utils.errors import SourceError
from utils.git import Git
from utils.mirror import Mirror
from utils.snapshot import Snapshots
from utils.source import Source
root = Path(sys.argv[1])
mirror = Mirror(Git(root / "home", 60, os.environ), root / "mirror.git", Source(sys.argv[2]))
mirror.fetch(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    Snapshots(mirror, root / "snapshots").take(sys.argv[3])
except SourceError as error:
    print(error)
"""


def test_a_file_that_cannot_be_written_says_so_and_leaves_nothing(
    repository: Path,
    commit_files: CommitFiles,
    snapshots: Snapshots,
    run_python: Callable[..., subprocess.Popen[str]],
) -> None:
    commit = commit_files(repository, {"large": b"x" * 50_000})
    process = run_python(FULL, snapshots.directory.parent, repository.as_uri(), commit)
    answer, complaint = process.communicate(timeout=60)
    assert "cannot be written" in answer, complaint
    assert "make room" in answer
    assert names(snapshots.directory) == set()
    assert snapshots.take(commit).path.is_dir()


def test_something_that_is_no_commit_is_refused(snapshots: Snapshots) -> None:
    for wrong in ("../../x", "HEAD", ""):
        with pytest.raises(SourceError, match="is not a commit"):
            snapshots.take(wrong)
    assert snapshots.commits() == ()


def inode(snapshot: Snapshot, path: str) -> int:
    return (snapshot.path / path).stat().st_ino


def test_a_snapshot_outlives_those_that_it_shares_files_with(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    first = snapshots.take(snapshots.mirror.head_commit())
    second = snapshots.take(commit_files(repository, {"more": "x"}))
    snapshots.discard(first.commit)
    assert not first.path.exists()
    assert (second.path / "integrations/beta/entry.py").read_text() == "print('beta')\n"
    assert not (second.path / "integrations/beta/entry.py").stat().st_mode & 0o222


def test_damage_that_comparing_commits_finds_is_healed(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    first = snapshots.take(snapshots.mirror.head_commit())
    (pack,) = (snapshots.mirror.directory / "objects" / "pack").glob("*.pack")
    commit = commit_files(repository, {"integrations/alpha/entry.py": "changed"})
    snapshots.mirror.fetch(commit)
    pack.chmod(0o644)
    os.truncate(pack, 12)
    second = snapshots.take(commit)
    assert (second.path / "integrations/alpha/entry.py").read_text() == "changed"
    assert (second.path / "integrations/beta/entry.py").read_text() == "print('beta')\n"
    assert inode(first, "integrations.json") != inode(second, "integrations.json")


def test_without_the_last_commit_s_objects_a_snapshot_is_written_whole(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots
) -> None:
    first = snapshots.take(snapshots.mirror.head_commit())
    shutil.rmtree(snapshots.mirror.directory)
    second = snapshots.take(commit_files(repository, {"more": "x"}))
    assert inode(first, "integrations.json") != inode(second, "integrations.json")
    assert (second.path / "integrations.json").read_text() == "[]"


@pytest.mark.parametrize(
    "point",
    [
        "snapshot-linked",
        "snapshot-half-written",
        "snapshot-before-rename",
        "snapshot-before-its-name",
    ],
)
def test_a_kill_while_files_are_shared_harms_neither_commit(
    as_checked_out: Checked,
    repository: Path,
    commit_files: CommitFiles,
    snapshots: Snapshots,
    run_python: Callable[..., subprocess.Popen[str]],
    point: str,
) -> None:
    first = snapshots.take(snapshots.mirror.head_commit())
    before = as_checked_out(first.path)
    commit = commit_files(repository, {name: name for name in "abcd"})
    root = snapshots.directory.parent
    failpoint = f"{point}:kill9"
    killed = run_python(TAKE, root, repository.as_uri(), commit, TRUELINE_FAILPOINT=failpoint)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    assert snapshots.commits() == (first.commit,)
    second = snapshots.take(commit)
    assert as_checked_out(first.path) == before
    assert as_checked_out(second.path) == as_checked_out(repository)
    assert {name for name in names(snapshots.directory) if name.startswith(".")} == set()


@pytest.fixture
def earlier(snapshots: Snapshots) -> Snapshots:
    """The same snapshots before the machine was started again."""
    return replace(snapshots, boot="earlier")


def lose_power(snapshot: Snapshot) -> None:
    """Leave of a snapshot what a disk may have of it."""
    entry = snapshot.path / "integrations/beta/entry.py"
    entry.chmod(0o644)
    os.truncate(entry, 0)


def test_what_was_not_on_the_disk_when_the_machine_stopped_is_made_again(
    repository: Path, snapshots: Snapshots, earlier: Snapshots
) -> None:
    lost = earlier.take(snapshots.mirror.head_commit())
    lose_power(lost)
    repository.rename(repository.with_name("away"))
    found = snapshots.find(lost.commit)
    assert found == lost.path
    assert (found / "integrations/beta/entry.py").read_text() == "print('beta')\n"


def test_files_that_may_not_be_on_the_disk_are_not_shared(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots, earlier: Snapshots
) -> None:
    lost = earlier.take(snapshots.mirror.head_commit())
    second = snapshots.take(commit_files(repository, {"more": "x"}))
    assert inode(lost, "integrations.json") != inode(second, "integrations.json")


def test_what_was_settled_is_kept(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots, earlier: Snapshots
) -> None:
    (repository / "integrations/alpha/out").symlink_to("/etc")
    kept = earlier.take(commit_files(repository, {}))
    earlier.settle()
    shutil.rmtree(snapshots.mirror.directory)
    repository.rename(repository.with_name("away"))
    before = inode(kept, "integrations.json")
    assert snapshots.find(kept.commit) == kept.path
    assert inode(kept, "integrations.json") == before
    assert snapshots.take(kept.commit).rejected == kept.rejected != {}


def test_where_starts_cannot_be_told_apart_everything_is_on_the_disk_at_once(
    snapshots: Snapshots,
) -> None:
    commit = snapshots.mirror.head_commit()
    made = replace(snapshots, boot="").take(commit)
    before = inode(made, "integrations.json")
    assert inode(snapshots.take(commit), "integrations.json") == before


@pytest.mark.parametrize("point", ["snapshot-linked", "snapshot-before-its-name"])
def test_a_kill_while_a_lost_snapshot_is_made_again_does_not_make_it_trusted(
    repository: Path,
    snapshots: Snapshots,
    earlier: Snapshots,
    run_python: Callable[..., subprocess.Popen[str]],
    point: str,
) -> None:
    commit = snapshots.mirror.head_commit()
    lose_power(earlier.take(commit))
    root, failpoint = snapshots.directory.parent, f"{point}:kill9"
    killed = run_python(TAKE, root, repository.as_uri(), commit, TRUELINE_FAILPOINT=failpoint)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    entry = snapshots.take(commit).path / "integrations/beta/entry.py"
    assert entry.read_text() == "print('beta')\n"


def test_a_snapshot_that_nobody_has_is_not_looked_for_at_the_source(
    repository: Path, commit_files: CommitFiles, snapshots: Snapshots, earlier: Snapshots
) -> None:
    assert snapshots.find(commit_files(repository, {"more": "x"})) is None
    lost = earlier.take(snapshots.mirror.head_commit())
    shutil.rmtree(snapshots.mirror.directory)
    assert snapshots.find(lost.commit) is None
