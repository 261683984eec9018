import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from worker.cgroups import ProcessGroups

PLENTY = 2**40
FORKS = """
import subprocess
started = []
try:
    for _ in range(8):
        started.append(subprocess.Popen(["sleep", "600"]))
    print("all")
except BlockingIOError:
    print("refused")
for one in started:
    one.kill()
    one.wait()
"""


@pytest.fixture
def groups() -> ProcessGroups:
    """Where this process may make no groups there is nothing of them to test."""
    found = ProcessGroups.open()
    if found is None:
        assert os.geteuid() != 0, "root may always make groups, if only the kernel has them"
        pytest.skip("an ordinary user without delegated control groups: limits of the user hold")
    return found


def run(groups: ProcessGroups, most: int, script: str) -> "subprocess.CompletedProcess[str]":
    command = groups.entered((sys.executable, "-I", "-c", script), most, PLENTY)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_command_runs_in_a_group_of_its_own(groups: ProcessGroups) -> None:
    end = run(groups, 50, "print(open('/proc/self/cgroup').read()); exit(3)")
    assert end.returncode == 3
    assert f"trueline-{os.getpid()}/" in end.stdout


def test_more_processes_than_allowed_are_refused(groups: ProcessGroups) -> None:
    assert run(groups, 50, FORKS).stdout == "all\n"
    assert run(groups, 5, FORKS).stdout == "refused\n"


def test_empty_groups_are_removed_once_nobody_can_be_about_to_enter(
    groups: ProcessGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def known() -> set[str]:
        return {path.name for path in groups.folder.iterdir() if path.is_dir()}

    command = groups.entered(("/bin/true",), 50, PLENTY)
    before = known()
    run(groups, 50, "pass")
    assert before < known()
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    run(groups, 50, "pass")
    assert not before & known()


def test_groups_of_a_worker_that_is_gone_are_removed(groups: ProcessGroups) -> None:
    left = groups.folder.with_name("trueline-999999999")
    (left / "group").mkdir(parents=True)
    assert ProcessGroups.open() == groups
    assert not left.exists()


def test_system_without_control_groups_has_none(tmp_path: Path) -> None:
    mounts, own = tmp_path / "mounts", tmp_path / "own"
    mounts.write_text("24 1 0:22 / /proc rw - proc proc rw\n")
    own.write_text("0::/\n")
    assert ProcessGroups.open(mounts, own) is None


def test_version_2_passes_its_controller_on(tmp_path: Path) -> None:
    """Without a delegated group at hand this shows the steps; the kernel's answer is not in it."""
    place = tmp_path / "system.slice" / "worker.service"
    place.mkdir(parents=True)
    (place / "cgroup.controllers").write_text("cpu memory pids")
    (place / "cgroup.subtree_control").write_text("")
    mounts, own = tmp_path / "mounts", tmp_path / "own"
    mounts.write_text(f"30 24 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw\n")
    own.write_text("0::/system.slice/worker.service\n")
    groups = ProcessGroups(place, bounds_memory=True)
    ProcessGroups.open(mounts, own)
    assert (place / "worker" / "cgroup.procs").read_text() == "0"
    assert (place / "cgroup.subtree_control").read_text() == "+pids +memory"
    *_, procs, program = groups.entered(("/bin/true",), 50, 2 * 1024**3)
    assert program == "/bin/true"
    assert Path(procs).with_name("pids.max").read_text() == "50"
    assert Path(procs).with_name("memory.max").read_text() == str(2 * 1024**3)


def test_version_2_without_memory_bounds_processes_alone(tmp_path: Path) -> None:
    groups = ProcessGroups(tmp_path)
    *_, procs, _program = groups.entered(("/bin/true",), 50, PLENTY)
    assert Path(procs).with_name("pids.max").exists()
    assert not Path(procs).with_name("memory.max").exists()


HOARD = "held = bytearray(300 * 1024 * 1024); print(len(held))"


def test_kernel_bounds_the_memory_of_a_delegated_group(groups: ProcessGroups) -> None:
    if not groups.bounds_memory:
        pytest.skip("no version 2 with memory is delegated here")
    command = groups.entered((sys.executable, "-I", "-c", HOARD), 50, 100 * 1024**2)
    end = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert end.returncode == -signal.SIGKILL
    assert end.stdout == ""
