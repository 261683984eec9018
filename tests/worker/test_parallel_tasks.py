"""Tasks side by side in one child, and what becomes of those beside one that misbehaves."""

from collections.abc import Callable
from typing import Any

import pytest

from worker.execution import StopSignal

RunPlugin = Callable[..., Any]
Check = Callable[[], None]

NAMES = ("one", "two", "three", "waits_for_one", "after", "judge")
LAST_OF_THREE = dict.fromkeys(("one", "three"), "hang_beside_others")


def starts(job: Any) -> list[str]:
    return [event["task"] for event in job.of_type("task_started")]


def test_tasks_of_equal_order_run_at_once_and_those_after_them_later(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    job = run_plugin("beside", {})
    assert job.end.status == "success"
    assert starts(job)[:3] == ["one", "three", "two"]
    assert starts(job)[4:] == ["after", "judge"]
    assert len({job.results[name]["data"]["pid"] for name in (*NAMES[:3], "after")}) == 1
    assert {job.results[name]["data"]["thread"] for name in NAMES[:3]} == {
        "task one", "task two", "task three"
    }  # fmt: skip
    nothing_left()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("segfault", "killed by signal SIGSEGV (11) before the task reported"),
        ("leave", "exited with code 7 before the task reported"),
    ],
)
def test_task_that_ends_the_process_is_found_out_and_the_others_keep_their_results(
    run_plugin: RunPlugin, nothing_left: Check, act: str, reason: str
) -> None:
    job = run_plugin("beside", LAST_OF_THREE | {"two": act})
    assert job.end.status == "partial"
    assert job.statuses == dict.fromkeys(NAMES, "success") | {"two": "failed"}
    assert job.results["two"]["reason"] == reason
    assert job.results["after"]["data"]["ok"] == ["one", "three"]
    assert starts(job) == [
        "one", "three", "two", "one", "three", "two", "waits_for_one", "after", "judge"
    ]  # fmt: skip
    assert (
        f"[the process of one, three, two was lost ({reason}): each of them runs again, alone]"
        in job.printed("stderr")
    )
    nothing_left()


def test_call_that_never_lets_go_is_the_one_told_timeout(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    config = {"one": "hold_the_interpreter"}
    job = run_plugin("beside", config, task_timeout_seconds=0.5)
    assert job.statuses == dict.fromkeys(NAMES, "success") | {
        "one": "timeout", "waits_for_one": "skipped", "judge": "failed"
    }  # fmt: skip
    assert job.results["one"]["reason"] == (
        "it did not stop at its deadline of 0.5 s and was killed"
    )
    assert job.results["judge"]["verdict"] == "unknown"
    nothing_left()


@pytest.mark.parametrize("act", ["wait_in_the_system", "compute", "swallow"])
def test_task_that_overruns_is_told_timeout_and_those_beside_it_run_once(
    run_plugin: RunPlugin, nothing_left: Check, act: str
) -> None:
    config = {"two": act, "one": "take_a_moment"}
    job = run_plugin("beside", config, task_timeout_seconds=1)
    assert job.statuses == dict.fromkeys(NAMES, "success") | {"two": "timeout"}
    assert job.results["two"]["reason"] == "the task took longer than 1 s and was stopped"
    assert "collectors/tasks.py" in job.results["two"]["errors"][0]
    assert sorted(starts(job)) == sorted(NAMES)
    assert [event["status"] for event in job.of_type("stage_one")] == ["success"]
    nothing_left()


def test_all_of_a_group_may_overrun_at_once(run_plugin: RunPlugin, nothing_left: Check) -> None:
    config = {"one": "wait_in_the_system", "two": "compute", "three": "swallow"}
    job = run_plugin("beside", config, task_timeout_seconds=0.5)
    assert [job.statuses[name] for name in NAMES] == [
        "timeout", "timeout", "timeout", "skipped", "success", "failed"
    ]  # fmt: skip
    nothing_left()


@pytest.mark.parametrize("act", ["leave_python", "interrupt"])
def test_exits_and_interrupts_are_failures_of_their_task_alone(
    run_plugin: RunPlugin, act: str
) -> None:
    job = run_plugin("beside", {"two": act})
    assert job.statuses == dict.fromkeys(NAMES, "success") | {"two": "failed"}
    assert len(starts(job)) == len(NAMES)


def test_forked_copy_of_one_never_goes_on_with_the_job(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    job = run_plugin("beside", {"two": "fork"})
    assert job.statuses == dict.fromkeys(NAMES, "success")
    assert job.results["two"]["logs"] == ["copy ended with 1"]
    assert len(starts(job)) == len(NAMES)
    nothing_left()


def test_line_over_the_limit_fails_the_task_that_wrote_it(run_plugin: RunPlugin) -> None:
    config = {"one": "take_a_moment", "two": "give_reasons_without_end", "moment": 1}
    job = run_plugin("beside", config)
    assert job.statuses == dict.fromkeys(NAMES, "success") | {"two": "failed"}
    assert "more than the limit of 2,097,152 bytes" in job.results["two"]["reason"]
    assert len(starts(job)) == len(NAMES)


def test_memory_that_one_uses_up_is_its_own_failure(run_plugin: RunPlugin) -> None:
    config = {"two": "use_up_memory", "one": "take_a_moment", "three": "take_a_moment"}
    job = run_plugin("beside", config, memory_limit_mb=800)
    assert job.statuses == dict.fromkeys(NAMES, "success") | {"two": "failed"}
    assert "memory limit 800 MB" in job.results["two"]["reason"]


def test_process_that_is_killed_for_no_fault_of_its_own_loses_nobody_a_result(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    config = LAST_OF_THREE | {"two": "be_killed_beside_others"}
    job = run_plugin("beside", config)
    assert job.end.status == "success"
    assert job.statuses == dict.fromkeys(NAMES, "success")
    assert [starts(job).count(name) for name in NAMES] == [2, 2, 2, 1, 1, 1]
    nothing_left()


def test_cancelled_job_reports_each_running_task_once(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    stop = StopSignal()

    def cancel_when_all_run(event: dict[str, Any]) -> None:
        if event == {"type": "task_started", "task": "two"}:
            stop.request("cancelled")

    config = dict.fromkeys(NAMES[:3], "wait_in_the_system")
    job = run_plugin("beside", config, emit=cancel_when_all_run, stop=stop)
    assert job.end.status == "cancelled"
    assert job.statuses == dict.fromkeys(NAMES, "skipped")
    nothing_left()


def test_job_deadline_ends_all_that_run_and_skips_the_rest(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    config = {"one": "wait_in_the_system", "two": "wait_in_the_system"}
    job = run_plugin("beside", config, job_timeout_seconds=4)
    assert job.statuses == {
        "one": "timeout", "two": "timeout", "three": "success",
        "waits_for_one": "skipped", "after": "skipped", "judge": "skipped",
    }  # fmt: skip
    assert job.results["one"]["duration_seconds"] > 0
    nothing_left()
