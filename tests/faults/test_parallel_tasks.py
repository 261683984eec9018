"""A job is cut off while its tasks run side by side: each still gets one result."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import Site

Wait = Callable[..., Any]
Marked = Callable[[], list[tuple[psutil.Process, psutil.Process]]]
WAITING = ("wait_a", "wait_b", "wait_c")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def deployment(site: Site, gate: Path) -> str:
    site.init()
    return site.deploy("gated_beside", gate=str(gate))


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def check_complete(site: Site, job_id: str, attempt: int) -> None:
    job = site.ended(job_id)
    assert (job["status"], job["attempt"]) == ("success", attempt)
    tasks = site.tasks(job_id)
    assert {name: task["status"] for name, task in tasks.items()} == dict.fromkeys(
        (*WAITING, "look"), "success"
    )
    assert tasks["look"]["verdict"] == "fail"
    violations = site.http.get("/api/v1/violations").json()["items"]
    assert [(v["task"], v["occurrences"]) for v in violations] == [("look", 1)]


def test_worker_killed_among_parallel_tasks_leaves_no_process_and_its_job_is_done_by_another(
    site: Site, deployment: str, gate: Path, marked: Marked, wait_until: Wait
) -> None:
    worker = site.start_worker("first")
    job_id = site.submit(deployment)
    wait_until(lambda: len(marked()) == 3)
    below = [process for pair in marked() for process in pair]
    assert len({task.pid for task, _ in marked()}) == 1

    worker.kill()

    wait_until(lambda: all(map(is_gone, below)), timeout_seconds=2)
    gate.touch()
    site.start_worker("second")
    check_complete(site, job_id, attempt=2)


def test_process_killed_among_parallel_tasks_runs_each_of_them_again_in_the_same_attempt(
    site: Site, deployment: str, tmp_path: Path, marked: Marked, wait_until: Wait
) -> None:
    site.start_worker()
    job_id = site.submit(deployment)
    wait_until(lambda: len(marked()) == 3)
    below = [process for pair in marked() for process in pair]

    below[0].send_signal(signal.SIGKILL)

    wait_until(lambda: all(map(is_gone, below)))
    wait_until(lambda: len(marked()) == 4)
    (tmp_path / "gate").touch()
    check_complete(site, job_id, attempt=1)
    events = site.http.get(f"/api/v1/jobs/{job_id}/events").text
    begun = [line for line in events.splitlines() if line == "event: task_started"]
    assert len(begun) == 2 * len(WAITING) + len(["look"])
