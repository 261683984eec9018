"""A job is cut off while its tasks run side by side: each still gets one result."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from tests.faults.site import Site

Wait = Callable[..., Any]
Marked = Callable[[], list[tuple[psutil.Process, psutil.Process]]]
IsGone = Callable[[psutil.Process], bool]
WAITING = ("wait_a", "wait_b", "wait_c")


@pytest.fixture
def integrations() -> tuple[str, ...]:
    return ("gated_beside",)


@pytest.fixture
def deployment(site: Site, gate: Path) -> str:
    site.init()
    return site.deploy("gated_beside", gate=str(gate))


def test_worker_killed_among_parallel_tasks_leaves_no_process_and_its_job_is_done_by_another(
    site: Site, deployment: str, gate: Path, marked: Marked, wait_until: Wait, is_gone: IsGone
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
    site.check_complete(job_id, 2, *WAITING)


def test_process_killed_among_parallel_tasks_runs_each_of_them_again_in_the_same_attempt(
    site: Site, deployment: str, tmp_path: Path, marked: Marked, wait_until: Wait, is_gone: IsGone
) -> None:
    site.start_worker()
    job_id = site.submit(deployment)
    wait_until(lambda: len(marked()) == 3)
    below = [process for pair in marked() for process in pair]

    below[0].send_signal(signal.SIGKILL)

    wait_until(lambda: all(map(is_gone, below)))
    wait_until(lambda: len(marked()) == 4)
    (tmp_path / "gate").touch()
    site.check_complete(job_id, 1, *WAITING)
    events = site.http.get(f"/api/v1/jobs/{job_id}/events").text
    begun = [line for line in events.splitlines() if line == "event: task_started"]
    assert len(begun) == 2 * len(WAITING) + len(["look"])
