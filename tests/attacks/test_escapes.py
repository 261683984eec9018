"""What a plugin can change or leave: nothing outside of its own directory, and no process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.stop_signal import StopSignal

Prison = Any
Eventually = Callable[[Callable[[], object]], None]
REFUSED = {"EACCES", "EPERM", "ENOENT", "EROFS", "ESRCH"}


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size)
    return found


def test_what_jobs_share_cannot_be_written_to(prison: Prison, source: Path) -> None:
    environment = prison.environment.path
    packages = next((environment / "lib").glob("python*/site-packages"))
    shared = [
        environment,
        packages,
        environment / "sdk" / "utils" / "child.py",
        environment / "bin",
        environment / "pyvenv.cfg",
        prison.environment.store,
        (environment / "sdk").resolve(),
        (environment / "sdk" / "utils" / "child.py").resolve(),
        environment.parents[1] / "store-marks",
        environment.parents[1] / "store-links",
        environment.parents[1] / "cache",
        prison.prepared().snapshot,
        prison.prepared().snapshot / "integrations" / "attacker" / "acts.py",
        source / ".git" / "config",
        prison.data,
        prison.data / "outbox.db-wal",
        Path("/usr/lib"),
        Path("/etc/hosts"),
        Path("/tmp"),
        Path("/"),
    ]
    before = files_of(environment.parents[1])
    answers = prison.attack("write", paths=[str(path) for path in shared]).data
    for kind in (answers, answers.pop("chmod"), answers.pop("rename")):
        assert set(kind.values()) <= REFUSED | {"EBUSY"}, kind
    assert files_of(environment.parents[1]) == before


def test_a_job_does_not_see_what_others_have_installed(prison: Prison) -> None:
    answers = prison.attack("look_around", paths=[str(prison.environment.store)]).data
    assert set(answers.values()) == {"EACCES"}


def test_each_door_out_is_closed(prison: Prison) -> None:
    doors = prison.attack("escape", abstract="nobody", socket="/run/nobody").data
    assert doors.pop("unshare by a program") == 1
    assert doors.pop("abstract socket") == "EACCES"
    assert doors.pop("setuid") in {"EINVAL", "EPERM"}
    assert doors.pop("vsock") == "EAFNOSUPPORT"
    assert set(doors.values()) <= REFUSED, doors


def test_what_has_opened_kernels_before_is_refused(prison: Prison) -> None:
    doors = prison.attack("open_rare_doors").data
    assert doors.pop("terminal") in {"ENOTTY", "EIO"}
    assert set(doors.values()) <= REFUSED | {"ENOSYS"}, doors


def test_job_gets_its_own_channels_and_no_other_descriptor(prison: Prison) -> None:
    held = prison.attack("list_descriptors").data
    listing = [number for number, target in held.items() if target == "ENOENT"]
    assert len(listing) == 1
    assert {number: held[number].split(":")[0] for number in held if number not in listing} == {
        "0": "/dev/null",
        "1": "pipe",
        "2": "pipe",
        "3": "pipe",
    }


def test_modules_of_a_plugin_take_the_place_of_no_others(prison: Prison) -> None:
    """It ships a `json.py` that would raise."""
    found = prison.attack("look_at_imports").data
    assert found["flags"] == [1, 1]
    assert found["json"] == found["json again"]
    assert "attacks" not in found["json"]
    assert str(prison.environment.path.parents[1]) in found["utils"]


def test_nothing_outlives_its_job(prison: Prison, eventually: Eventually, tmp_path: Path) -> None:
    mark = f"mark-{tmp_path.name}-{os.getpid()}"
    job = prison.attack("survive", mark=mark)
    assert job.end.status == "success"
    assert not marked(mark)
    eventually(lambda: not prison.processes())


def test_nothing_outlives_a_worker_that_is_killed(prison: Prison, eventually: Eventually) -> None:
    """The launcher ends with the socket that a dead worker no longer holds."""
    if prison.is_warm:
        prison.attack("leave", code=0)
    below = prison.launcher.pid
    prison.launcher.close()
    eventually(lambda: not Path(f"/proc/{below}").exists())
    assert not marked(str(prison.data))


@pytest.mark.parametrize("act", ["kill_all", "kill_everyone"])
def test_worker_launcher_and_supervisors_cannot_be_killed(
    prison: Prison, eventually: Eventually, act: str
) -> None:
    prison.attack("read", paths=[])
    warm = prison.processes(warm=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as bystander:
        job = prison.attack(act, pids=[os.getpid(), prison.launcher.pid, bystander.pid])
        assert bystander.poll() is None
        bystander.kill()
    assert Path(f"/proc/{prison.launcher.pid}").exists()
    if job.results["attack"]["status"] == "success":
        assert set(job.data.values()) <= {"EPERM", "ESRCH"}, job.data
    assert job.results["after"]["status"] == "success"
    eventually(lambda: not prison.processes())
    assert prison.processes(warm=True) == warm


def test_end_by_a_signal_is_told_as_such_through_the_sandbox(prison: Prison) -> None:
    assert prison.attack("segfault").reason.startswith("killed by signal SIGSEGV (11)")


def test_exit_code_is_told_as_it_was(prison: Prison) -> None:
    assert prison.attack("leave", code=255).reason.startswith("exited with code 255 ")


def test_job_that_is_cancelled_ends_with_all_it_started(
    prison: Prison, eventually: Eventually
) -> None:
    stop = StopSignal()

    def cancel(event: dict[str, Any]) -> None:
        if event["type"] == "output" and "ready" in event["text"]:
            stop.request("cancelled")

    job = prison.attack("wait", stop=stop, listen=cancel, secret="x")
    assert job.end.status == "cancelled"
    eventually(lambda: not prison.processes())


def test_task_that_overruns_is_killed_and_the_next_one_runs(
    prison_with: Callable[..., Prison], eventually: Eventually
) -> None:
    prison = prison_with(task_timeout_seconds=1)
    job = prison.attack("swallow_the_deadline")
    assert job.results["attack"]["status"] == "timeout"
    assert job.results["after"]["status"] == "success"
    eventually(lambda: not prison.processes())


def test_honest_plugins_find_what_they_need(prison: Prison, source: Path) -> None:
    seen = prison.attack("use_the_system", url=source.as_uri()).data
    assert seen["numbers"] == [1, 2]
    assert seen["certificates"]
    assert (seen["git"], seen["shell"], seen["python"]) == (0, 3, 0)
    assert seen["localhost"].startswith("127.")
    assert seen["clone"] == ""
    assert seen["user"]


def marked(mark: str) -> list[str]:
    """Return the processes of this machine, children of this one aside, that name the mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().decode("latin-1")
            except OSError:
                continue
            if mark in line:
                found.append(line)
    return found
