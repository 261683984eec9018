import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from worker.execution import JobOrder, Prepared, ProcessExecutor, StopSignal

RunPlugin = Callable[..., Any]
Check = Callable[[], None]
Eventually = Callable[[Callable[[], object]], None]

ALL_WELL = {"before": "success", "misbehave": "success", "after": "success", "judge": "success"}
ONE_LOST = {"before": "success", "misbehave": "failed", "after": "success", "judge": "skipped"}


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids_in(path: Path) -> list[int]:
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("segfault", "killed by signal SIGSEGV (11) before the task reported"),
        ("leave", "exited with code 0 before the task reported"),
        ("print_fake_events", "exited with code 0 before the task reported"),
    ],
)
def test_task_that_ends_its_process_fails_and_those_after_it_still_run(
    run_plugin: RunPlugin, nothing_left: Check, act: str, reason: str
) -> None:
    job = run_plugin("misbehaving", {"act": act})
    assert job.end.status == "partial"
    assert job.statuses == ONE_LOST | {"judge": job.statuses["judge"]}
    assert job.results["misbehave"]["reason"] == reason
    assert job.results["misbehave"]["errors"] == [reason]
    assert job.results["judge"]["verdict"] == "unknown"
    assert job.results["after"]["data"]["pid"] != job.results["before"]["data"]["pid"]
    nothing_left()


def test_task_that_floods_the_event_channel_fails_and_those_after_it_still_run(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    job = run_plugin("misbehaving", {"act": "write_nonsense_without_end"})
    assert job.statuses == ONE_LOST | {"judge": job.statuses["judge"]}
    assert "lines on the event channel" in job.results["misbehave"]["reason"]
    nothing_left()


def test_process_killed_from_outside_names_the_memory_limit(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "kill_itself"}, memory_limit_mb=777)
    reason = job.results["misbehave"]["reason"]
    assert reason.startswith("killed by signal SIGKILL (9) before the task reported")
    assert "memory limit 777 MB" in reason


def test_task_out_of_memory_names_the_limit_and_the_others_run(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "use_up_memory"}, memory_limit_mb=300)
    assert job.statuses["misbehave"] == "failed"
    assert "MemoryError" in job.results["misbehave"]["reason"]
    assert "memory limit 300 MB" in job.results["misbehave"]["reason"]
    assert job.statuses["after"] == "success"


def test_process_that_ends_after_a_result_loses_none_of_it(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "leave_after_its_result"})
    assert job.statuses["misbehave"] == "success"
    assert set(job.statuses) == set(ALL_WELL)


def test_task_that_overruns_softly_keeps_its_process(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "oversleep"}, task_timeout_seconds=0.3)
    assert job.statuses == ONE_LOST | {"misbehave": "timeout", "judge": job.statuses["judge"]}
    assert job.results["after"]["data"]["pid"] == job.results["before"]["data"]["pid"]


def test_task_that_swallows_its_deadline_is_killed_and_the_rest_runs(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    job = run_plugin("misbehaving", {"act": "swallow_the_deadline"}, task_timeout_seconds=0.3)
    assert job.end.status == "partial"
    assert job.statuses["misbehave"] == "timeout"
    assert job.results["misbehave"]["reason"] == (
        "it did not stop at its deadline of 0.3 s and was killed"
    )
    assert job.statuses["after"] == "success"
    assert job.results["judge"]["verdict"] == "unknown"
    assert job.results["after"]["data"]["before"] == job.results["before"]["data"]
    nothing_left()


@pytest.mark.parametrize("act", ["start_daemon", "start_daemon_and_hang"])
def test_daemon_of_its_own_session_ends_with_the_job(
    run_plugin: RunPlugin, nothing_left: Check, tmp_path: Path, act: str
) -> None:
    pids = tmp_path / "pids"
    config = {"act": act, "pids": str(pids)}
    job = run_plugin("misbehaving", config, task_timeout_seconds=1)
    assert set(job.statuses) == set(ALL_WELL)
    assert len(pids_in(pids)) == 1
    assert not any(map(is_alive, pids_in(pids)))
    nothing_left()


def test_plugin_that_kills_its_supervisor_leaves_nothing_either(
    run_plugin: RunPlugin, nothing_left: Check, eventually: Eventually, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    config = {"act": "start_daemon_and_kill_supervisor", "pids": str(pids)}
    job = run_plugin("misbehaving", config)
    assert job.statuses["misbehave"] == "failed"
    assert "the process that watches it was killed" in job.results["misbehave"]["reason"]
    assert job.statuses["after"] == "success"
    eventually(lambda: not any(map(is_alive, pids_in(pids))))
    nothing_left()


def test_storm_of_forks_ends_when_the_job_is_cancelled(
    run_plugin: RunPlugin, nothing_left: Check, eventually: Eventually, tmp_path: Path
) -> None:
    pids, stop = tmp_path / "pids", StopSignal()

    def cancel_in_full_storm() -> None:
        eventually(lambda: len(pids_in(pids)) > 100)
        stop.request("cancelled")

    canceller = threading.Thread(target=cancel_in_full_storm)
    canceller.start()
    job = run_plugin("misbehaving", {"act": "storm", "pids": str(pids)}, stop=stop)
    canceller.join()
    assert job.end.status == "cancelled"
    assert not any(map(is_alive, pids_in(pids)))
    nothing_left()


@pytest.mark.parametrize(
    ("act", "status", "reason"),
    [
        ("raise", "failed", "no door opened"),
        ("crash", "failed", "exited with code 3 before StageOne ended"),
        ("hang", "timeout", "it did not stop at its deadline of 0.3 s and was killed"),
    ],
)
def test_every_task_is_skipped_with_the_reason_when_stage_one_does_not_succeed(
    run_plugin: RunPlugin, nothing_left: Check, act: str, status: str, reason: str
) -> None:
    config = {"act": act, "password": "open sesame"}
    job = run_plugin("bad_start", config, "/password", task_timeout_seconds=0.3)
    assert job.end.status == "failed"
    assert reason in job.end.error["reason"]
    assert [event["status"] for event in job.of_type("stage_one")] == [status]
    assert set(job.statuses.values()) == {"skipped"}
    assert all(reason in result["reason"] for result in job.results.values())
    assert job.results["judge"]["verdict"] == "unknown"
    assert "sesame" not in json.dumps(job.events)
    nothing_left()


def test_stage_one_that_crashes_the_second_time_skips_what_is_left(run_plugin: RunPlugin) -> None:
    job = run_plugin("bad_start", {"act": "crash_when_resumed"})
    assert job.end.status == "partial"
    assert job.statuses == {
        "first": "success", "second": "failed", "third": "skipped", "judge": "skipped"
    }  # fmt: skip
    assert "SIGABRT" in job.results["third"]["reason"]
    assert [event["status"] for event in job.of_type("stage_one")] == ["success", "failed"]


def test_job_deadline_ends_the_running_task_and_skips_the_rest(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    job = run_plugin("misbehaving", {"act": "oversleep"}, job_timeout_seconds=3)
    assert job.end.status == "partial"
    assert job.end.error["reason"] == "the job reached its deadline of 3 s"
    assert job.statuses == {
        "before": "success", "misbehave": "timeout", "after": "skipped", "judge": "skipped"
    }  # fmt: skip
    assert job.results["after"]["reason"] == "the job reached its deadline of 3 s"
    nothing_left()


@pytest.mark.parametrize("act", ["oversleep", "swallow_the_deadline", "start_daemon_and_hang"])
def test_cancelled_job_reports_every_task_and_leaves_nothing(
    run_plugin: RunPlugin, nothing_left: Check, tmp_path: Path, act: str
) -> None:
    stop = StopSignal()
    config = {"act": act, "pids": str(tmp_path / "pids")}
    job = run_plugin("misbehaving", config, stop=stop, emit=_when_misbehaving(stop, "cancelled"))
    assert job.end.status == "cancelled"
    assert job.statuses == {
        "before": "success", "misbehave": "skipped", "after": "skipped", "judge": "skipped"
    }  # fmt: skip
    assert job.results["misbehave"]["reason"] == "the job was cancelled"
    assert job.events[-1] == {"type": "job_finished", "status": "cancelled", "error": None}
    nothing_left()


def test_interrupted_job_says_nothing_more(run_plugin: RunPlugin, nothing_left: Check) -> None:
    stop = StopSignal()
    emit = _when_misbehaving(stop, "interrupted")
    job = run_plugin("misbehaving", {"act": "oversleep"}, stop=stop, emit=emit)
    assert job.end.status == "interrupted"
    assert job.events[-1] == {"type": "task_started", "task": "misbehave"}
    nothing_left()


def test_job_stopped_before_it_began_runs_no_task(run_plugin: RunPlugin) -> None:
    stop = StopSignal()
    stop.request("cancelled")
    job = run_plugin("misbehaving", {"act": "behave"}, stop=stop)
    assert job.end.status == "cancelled"
    assert not job.of_type("task_started")


@pytest.mark.parametrize(
    ("integration", "reason"),
    [
        ("broken_syntax", "broken_syntax/entry.py"),
        ("absent", "there is no folder integrations/absent"),
        ("exits_at_import", "exited with code 4 before it had registered its tasks"),
        ("hangs_at_import", "it did not stop at its deadline of 0.3 s and was killed"),
    ],
)
def test_integration_that_cannot_be_loaded_fails_its_job_with_the_reason(
    run_plugin: RunPlugin, nothing_left: Check, integration: str, reason: str
) -> None:
    job = run_plugin(integration, {}, task_timeout_seconds=0.3)
    assert job.end.status == "failed"
    assert reason in job.end.error["reason"]
    assert job.end.error["advice"]
    assert job.events[-1]["error"] == job.end.error
    nothing_left()


def test_python_that_is_gone_fails_the_job_with_its_path(
    executor_with: Callable[..., ProcessExecutor], prepare: Callable[..., Prepared], tmp_path: Path
) -> None:
    prepared = prepare("misbehaving")
    gone = replace(prepared.environment, python=tmp_path / "gone")
    events: list[dict[str, Any]] = []
    order = JobOrder("j", 1, "misbehaving", {})
    end = executor_with().run(
        order, replace(prepared, environment=gone), events.append, StopSignal()
    )
    assert end.status == "failed"
    assert end.error is not None
    assert str(tmp_path / "gone") in end.error["reason"]


def _when_misbehaving(
    stop: StopSignal, reason: Literal["cancelled", "interrupted"]
) -> Callable[[dict[str, Any]], None]:
    def emit(event: dict[str, Any]) -> None:
        if event == {"type": "task_started", "task": "misbehave"}:
            stop.request(reason)

    return emit
