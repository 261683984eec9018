import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.execution import ProcessExecutor

RunPlugin = Callable[..., Any]
Check = Callable[[], None]

ALL_WELL = {"before": "success", "misbehave": "success", "after": "success", "judge": "success"}


def test_each_task_is_reported_once_and_the_job_end_comes_last(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "behave"})
    assert job.end.status == "success"
    assert job.end.error is None
    assert job.statuses == ALL_WELL
    assert [event["type"] for event in job.events if event["type"] != "output"] == [
        "stage_one",
        *["task_started", "task_finished"] * 4,
        "job_finished",
    ]
    assert job.events[-1] == {"type": "job_finished", "status": "success", "error": None}
    assert job.printed("stdout") == "all is well\n"


def test_error_of_the_receiver_ends_the_job_and_goes_through(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    def refuse(_event: dict[str, Any]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_plugin("misbehaving", {"act": "oversleep"}, emit=refuse)
    nothing_left()


def test_jobs_run_beside_one_another_in_threads_that_end(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    jobs = []
    threads = [
        threading.Thread(target=lambda: jobs.append(run_plugin("misbehaving", {"act": "behave"})))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job.end.status for job in jobs] == ["success"] * 8
    nothing_left()


def test_private_directories_are_removed_even_when_a_job_locked_its_own(
    run_plugin: RunPlugin, tmp_path: Path
) -> None:
    run_plugin("misbehaving", {"act": "lock_its_folder"})
    assert not list((tmp_path / "jobs").glob("*/*/job-*/results.jsonl"))


def test_next_executor_sweeps_what_a_killed_one_left(
    executor_with: Callable[..., ProcessExecutor], tmp_path: Path
) -> None:
    left = tmp_path / "jobs" / "run-left" / "job-x" / "home"
    left.mkdir(parents=True)
    assert executor_with().sweep() == ["run-left"]
    assert not left.exists()
