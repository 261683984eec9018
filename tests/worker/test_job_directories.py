import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from worker.job_directories import JobDirectories, JobDirectory, sweep

HOLDER = """
import sys
from contextlib import closing
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from worker.job_directories import JobDirectories
with JobDirectories.open(Path(sys.argv[2])).new("one") as directory:
    print(directory.path, flush=True)
    input()
"""


def test_job_directory_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    directories = JobDirectories.open(tmp_path / "jobs")
    with directories.new("one") as directory:
        for path in (directory.path, directory.home, directory.temporary):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        directory.spool.write_text("x")
    assert not directory.path.exists()
    directories.close()
    assert not list((tmp_path / "jobs").iterdir())


def test_links_out_of_a_job_directory_are_removed_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    directories = JobDirectories.open(tmp_path / "jobs")
    with directories.new("one") as directory:
        (directory.path / "link").symlink_to(precious)
        (directory.home / "link").symlink_to(precious / "file")
    assert not directory.path.exists()
    assert (precious / "file").read_text() == "x"
    directories.close()


def test_folders_without_write_permission_are_removed_too(tmp_path: Path) -> None:
    directories = JobDirectories.open(tmp_path / "jobs")
    with directories.new("one") as directory:
        inner = directory.home / "a" / "b"
        inner.mkdir(parents=True)
        (inner / "c").write_text("x")
        inner.chmod(0)
        inner.parent.chmod(0o500)
    assert not directory.path.exists()
    directories.close()


def test_sweep_removes_what_a_killed_process_left_and_nothing_of_a_living_one(
    tmp_path: Path,
) -> None:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", HOLDER, root, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        held = Path(holder.stdout.readline().strip())
        assert sweep(tmp_path) == []
        assert held.exists()
        os.kill(holder.pid, 9)
        holder.wait()
    assert sweep(tmp_path) == [held.parents[1].name]
    assert not held.exists()


def test_sweep_of_a_directory_that_is_not_there_does_nothing(tmp_path: Path) -> None:
    assert sweep(tmp_path / "absent") == []


def test_directory_that_is_emptied_keeps_the_results_alone(tmp_path: Path) -> None:
    directories = JobDirectories.open(tmp_path)
    with closing(directories), directories.new("it") as directory:
        directory.spool.write_text("results")
        (directory.path / "results.jsonl.0").write_text("[]")
        (directory.home / "large").write_text("x")
        (directory.path / "link").symlink_to(tmp_path)
        directory.temporary.chmod(0o500)
        directory.empty()
        assert sorted(path.name for path in directory.path.iterdir()) == [
            "home",
            "results.jsonl",
            "results.jsonl.0",
            "tmp",
        ]
        assert not list(directory.home.iterdir())
        assert directory.temporary.stat().st_mode & 0o777 == 0o700


def test_directory_made_ahead_is_the_first_jobs(tmp_path: Path) -> None:
    with closing(JobDirectories.open(tmp_path)) as directories:
        directories.make_spare("one")
        first = directories.make("one")
        assert list(first.group.iterdir()) == [first.path]
        assert {path.name for path in first.path.iterdir()} == {"home", "tmp"}


def used_again(directories: JobDirectories, change: Callable[[JobDirectory], object]) -> bool:
    """Change a job's directory, take it back, and tell whether the next job gets the same one."""
    directory = directories.make("one")
    first = directory.path.stat().st_ino
    change(directory)
    directories.take_back(directory)
    following = directories.make("one")
    assert following.path != directory.path
    assert not directory.path.exists()
    assert {path.name for path in following.path.iterdir()} == {"home", "tmp"}
    for folder in (following.path, following.home, following.temporary):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not [*following.home.iterdir(), *following.temporary.iterdir()]
    # A removed folder's number may be given to the next one: only a kept one is no new folder.
    return following.path.stat().st_ino == first and not os.listxattr(following.path)


def leave_files(directory: JobDirectory) -> None:
    directory.spool.write_text("x")
    (directory.home / ".cache").write_text("x")
    (directory.temporary / "link").symlink_to("/")


def test_directory_with_files_alone_is_emptied_and_renamed_for_the_next_job(tmp_path: Path) -> None:
    directories = JobDirectories.open(tmp_path)
    assert used_again(directories, leave_files)
    directories.close()


def lead_home_away(directory: JobDirectory) -> None:
    directory.home.rmdir()
    directory.home.symlink_to("/")


@pytest.mark.parametrize(
    "change",
    [
        lambda directory: (directory.home / "folder").mkdir(),
        lambda directory: directory.home.rmdir(),
        lambda directory: directory.temporary.chmod(0o755),
        lambda directory: os.setxattr(directory.path, "user.word", b"x"),
        lead_home_away,
    ],
    ids=["folder", "no home", "mode", "attribute", "link"],
)
def test_directory_that_was_changed_is_not_used_again(
    tmp_path: Path, change: Callable[[JobDirectory], object]
) -> None:
    directories = JobDirectories.open(tmp_path)
    directory = directories.make("one")
    change(directory)
    assert not directory.renew()
    used_again(directories, change)
    directories.close()


def test_directories_of_two_integrations_are_never_exchanged(tmp_path: Path) -> None:
    directories = JobDirectories.open(tmp_path)
    one = directories.make("one")
    directories.take_back(one)
    assert directories.make("two").group != one.group
    directories.close()


def test_folders_without_end_are_removed(tmp_path: Path) -> None:
    directories = JobDirectories.open(tmp_path / "jobs")
    with directories.new("one") as directory:
        folder = os.open(directory.path, os.O_RDONLY)
        for _ in range(2500):
            os.mkdir("d", dir_fd=folder)
            inner = os.open("d", os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = inner
        os.close(folder)
    assert not directory.path.exists()
    directories.close()


def test_folder_around_jobs_is_put_right_for_the_next_one(tmp_path: Path) -> None:
    directories = JobDirectories.open(tmp_path / "jobs")
    first = directories.make("one")
    first.group.chmod(0)
    second = directories.make("one")
    assert stat.S_IMODE(second.group.stat().st_mode) == 0o700
    directories.take_back(first)
    second.group.chmod(0)
    third = directories.make("one")
    assert stat.S_IMODE(third.group.stat().st_mode) == 0o700
    directories.close()


def test_folder_that_was_replaced_by_a_link_is_neither_emptied_nor_followed(tmp_path: Path) -> None:
    directories = JobDirectories.open(tmp_path / "jobs")
    other = tmp_path / "other"
    (other / "inner").mkdir(parents=True)
    directory = directories.make("dns")
    directory.path.rename(tmp_path / "aside")
    directory.path.symlink_to(other)
    assert not directory.is_its_own
    with pytest.raises(NotADirectoryError):
        directory.empty()
    directories.take_back(directory)
    assert not directory.path.is_symlink()
    assert (other / "inner").is_dir()
    directories.close()
