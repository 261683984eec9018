"""Fault rows 23 and 24, and what processes share."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from utils.errors import SourceError
from utils.mirror import PACK_LIMIT, Mirror, open_source
from utils.objects import NotInCommit
from utils.settings import read_settings

RunGit = Callable[..., str]
CommitFiles = Callable[..., str]
MirrorOf = Callable[..., Mirror]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def mirror(repository: Path, mirror_of: MirrorOf) -> Mirror:
    mirror = mirror_of(repository)
    mirror.fetch(mirror.head_commit())
    return mirror


def test_one_commit_is_fetched_without_its_history(
    repository: Path, commit_files: CommitFiles, run_git: RunGit, mirror_of: MirrorOf
) -> None:
    commit = commit_files(repository, {"new": "1"})
    mirror = mirror_of(repository)
    mirror.fetch(commit)
    count = run_git(mirror.directory, "--git-dir=.", "rev-list", "--count", commit)
    assert count == "1"


def test_a_present_commit_needs_no_source(repository: Path, mirror: Mirror) -> None:
    commit = mirror.head_commit()
    repository.rename(repository.with_name("away"))
    mirror.fetch(commit)
    assert mirror.read_file(commit, "integrations.json") == b"[]"


def test_objects_are_read_without_a_checkout(mirror: Mirror) -> None:
    commit = mirror.head_commit()
    assert mirror.read_file(commit, "integrations/alpha/entry.py") == b"print('alpha')\n"
    assert list(mirror.list_folders(commit)) == ["alpha", "beta"]
    assert list(mirror.list_folders(commit, "")) == ["integrations"]
    assert dict(mirror.list_folders(commit, "nowhere")) == {}
    with pytest.raises(NotInCommit, match=r"has no file missing\.json"):
        mirror.read_file(commit, "missing.json")
    with pytest.raises(NotInCommit):
        mirror.read_file(commit, "integrations")


def test_a_folder_s_id_changes_with_its_content_alone(
    repository: Path, commit_files: CommitFiles, mirror: Mirror
) -> None:
    before = mirror.head_commit()
    after = commit_files(repository, {"integrations/alpha/entry.py": "changed"})
    old, new = mirror.list_folders(before), mirror.list_folders(after)
    assert list(old) == list(new) == ["alpha", "beta"]
    assert old["alpha"] != new["alpha"]
    assert old["beta"] == new["beta"]


def test_something_that_is_no_commit_is_refused(mirror: Mirror) -> None:
    for wrong in ("HEAD", "--all", "A" * 40, "../../x"):
        with pytest.raises(SourceError, match="is not a commit"):
            mirror.fetch(wrong)


def test_an_unknown_commit_says_so_and_keeps_the_mirror(mirror: Mirror) -> None:
    with pytest.raises(SourceError, match="no branch or tag leads to commit"):
        mirror.fetch("0123456789" * 4)
    assert mirror.has(mirror.head_commit())


def test_a_force_push_is_taken_and_the_old_commit_stays(
    repository: Path, commit_files: CommitFiles, run_git: RunGit, mirror: Mirror
) -> None:
    old = mirror.head_commit()
    run_git(repository, "checkout", "--quiet", "--orphan", "fresh")
    new = commit_files(repository, {"integrations/gamma/entry.py": ""})
    run_git(repository, "branch", "--move", "--force", "main")
    run_git(repository, "reflog", "expire", "--expire=now", "--all")
    run_git(repository, "gc", "--quiet", "--prune=now")
    assert mirror.head_commit() == new
    mirror.fetch(new)
    assert "gamma" in mirror.list_folders(new)
    assert list(mirror.list_folders(old)) == ["alpha", "beta"]


def test_a_deleted_branch_is_a_clear_error_and_loses_nothing(
    repository: Path, run_git: RunGit, mirror_of: MirrorOf
) -> None:
    run_git(repository, "branch", "doomed")
    mirror = mirror_of(repository, "doomed")
    commit = mirror.head_commit()
    mirror.fetch(commit)
    run_git(repository, "branch", "--delete", "--force", "doomed")
    with pytest.raises(SourceError, match="no branch or tag 'doomed'"):
        mirror.head_commit()
    assert mirror.list_folders(commit)


def damage_pack(directory: Path) -> None:
    (pack,) = (directory / "objects" / "pack").glob("*.pack")
    pack.chmod(0o644)
    os.truncate(pack, pack.stat().st_size // 2)


def damage_index(directory: Path) -> None:
    (index,) = (directory / "objects" / "pack").glob("*.idx")
    index.chmod(0o644)
    index.write_bytes(b"x" * 100)


def damage_mark(directory: Path) -> None:
    (mark,) = (directory / "refs" / "trueline").iterdir()
    mark.write_text("")


def remove_objects(directory: Path) -> None:
    for path in (directory / "objects" / "pack").iterdir():
        path.unlink()


def damage_config(directory: Path) -> None:
    (directory / "config").write_text("[broken")


def remove_head(directory: Path) -> None:
    (directory / "HEAD").unlink()


DAMAGES = [damage_pack, damage_index, damage_mark, remove_objects, damage_config, remove_head]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mirror_is_cloned_again_when_it_is_read(
    mirror: Mirror, damage: Callable[[Path], None]
) -> None:
    commit = mirror.head_commit()
    damage(mirror.directory)
    assert mirror.read_file(commit, "integrations/alpha/entry.py") == b"print('alpha')\n"
    left = {path.name for path in mirror.directory.parent.iterdir()}
    assert left <= {"mirror.git", "mirror.lock", "home"}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mirror_takes_the_next_commit(
    repository: Path,
    commit_files: CommitFiles,
    mirror: Mirror,
    damage: Callable[[Path], None],
) -> None:
    commit = commit_files(repository, {"integrations/alpha/entry.py": "changed"})
    damage(mirror.directory)
    assert mirror.read_file(commit, "integrations/alpha/entry.py") == b"changed"


def test_a_damaged_mirror_stays_when_the_source_is_away(repository: Path, mirror: Mirror) -> None:
    commit = mirror.head_commit()
    damage_pack(mirror.directory)
    away = repository.rename(repository.with_name("away"))
    with pytest.raises(SourceError, match="no such repository"):
        mirror.read_file(commit, "integrations.json")
    away.rename(repository)
    assert mirror.read_file(commit, "integrations.json") == b"[]"


@pytest.mark.parametrize(
    "lock",
    ["shallow.lock", "config.lock", "HEAD.lock", "packed-refs.lock", "refs/trueline/{}.lock"],
)
def test_a_stale_lock_of_a_killed_git_does_not_stop_a_fetch(
    repository: Path, commit_files: CommitFiles, mirror: Mirror, lock: str
) -> None:
    commit = commit_files(repository, {"new": "1"})
    (mirror.directory / lock.format(commit)).write_text("")
    (mirror.directory / "objects" / "pack" / "tmp_pack_abc").write_text("half")
    mirror.fetch(commit)
    assert mirror.has(commit)
    assert not list(mirror.directory.rglob("*.lock"))
    assert not list(mirror.directory.rglob("tmp_*"))


TAKE = """
import os, sys
from pathlib import Path
from utils.git import Git
from utils.mirror import Mirror
from utils.source import Source
root = Path(sys.argv[1])
git = Git(root / "home", 60, os.environ)
Mirror(git, root / "mirror.git", Source(sys.argv[2])).fetch(sys.argv[3])
"""


def test_a_clone_killed_before_its_end_is_never_used(
    repository: Path, mirror_of: MirrorOf, run_python: Start
) -> None:
    mirror = mirror_of(repository)
    commit = mirror.head_commit()
    root = mirror.directory.parent
    killed = run_python(
        TAKE,
        root,
        repository.as_uri(),
        commit,
        TRUELINE_FAILPOINT="mirror-before-rename:kill9",
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    assert not mirror.directory.exists()
    mirror.fetch(commit)
    assert mirror.has(commit)
    assert {path.name for path in root.iterdir()} <= {"mirror.git", "mirror.lock", "home"}


def test_processes_that_fetch_at_once_do_not_disturb_each_other(
    repository: Path, mirror_of: MirrorOf, run_python: Start
) -> None:
    mirror = mirror_of(repository)
    commit = mirror.head_commit()
    root = mirror.directory.parent
    started = [run_python(TAKE, root, repository.as_uri(), commit) for _ in range(4)]
    for process in started:
        _, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
    assert mirror.list_folders(commit)


def test_a_fetch_waits_for_the_lock_with_a_bound(repository: Path, mirror_of: MirrorOf) -> None:
    mirror = mirror_of(repository, timeout_seconds=0.1)
    commit = mirror_of(repository).head_commit()
    mirror.directory.parent.mkdir(exist_ok=True)
    with (
        FileLock(mirror.directory.with_suffix(".lock")),
        pytest.raises(SourceError, match="another process has been at work"),
    ):
        mirror.fetch(commit)


def test_many_small_fetches_do_not_pile_up(
    repository: Path, commit_files: CommitFiles, mirror: Mirror
) -> None:
    packs = mirror.directory / "objects" / "pack"
    for number in range(PACK_LIMIT):
        (packs / f"pack-{number}.pack").write_bytes(b"")
    commit = commit_files(repository, {"new": "1"})
    mirror.fetch(commit)
    assert mirror.has(commit)
    assert len(list(packs.glob("*.pack"))) == 1


def test_settings_open_a_source_in_a_directory_of_its_own(tmp_path: Path, repository: Path) -> None:
    settings = read_settings({"TRUELINE_SOURCE_URL": str(repository)}, tmp_path)
    mirror = open_source(tmp_path / "source", settings, os.environ)
    assert not (tmp_path / "source").exists()
    commit = mirror.head_commit()
    mirror.fetch(commit)
    assert mirror.directory.parent.parent == tmp_path / "source"
    assert open_source(tmp_path / "source", settings, os.environ).has(commit)


def test_a_sha256_source_works(
    tmp_path: Path, run_git: RunGit, commit_files: CommitFiles, mirror_of: MirrorOf
) -> None:
    path = tmp_path / "sha256"
    run_git(tmp_path, "init", "--quiet", "--object-format=sha256", str(path))
    commit = commit_files(path, {"integrations.json": "[]"})
    mirror = mirror_of(path)
    assert mirror.head_commit() == commit
    assert mirror.read_file(commit, "integrations.json") == b"[]"
