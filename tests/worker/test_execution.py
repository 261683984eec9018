import base64
import json
import os
import resource
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


def test_process_killed_from_outside_names_the_memory_limit(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "kill_itself"}, memory_limit_mb=777)
    reason = job.results["misbehave"]["reason"]
    assert reason.startswith("killed by signal SIGKILL (9) before the task reported")
    assert "777 MiB" in reason


def test_task_out_of_memory_names_the_limit_and_the_others_run(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "use_up_memory"}, memory_limit_mb=300)
    assert job.statuses["misbehave"] == "failed"
    assert "MemoryError" in job.results["misbehave"]["reason"]
    assert "the limit of each process is 300 MiB" in job.results["misbehave"]["reason"]
    assert job.statuses["after"] == "success"


def test_process_that_ends_after_a_result_loses_none_of_it(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "leave_in_a_thread"})
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


@pytest.mark.parametrize("lines", [True, False])
def test_gigabyte_of_output_is_cut_with_a_mark_in_flat_memory(
    run_plugin: RunPlugin, *, lines: bool
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    config = {"act": "print_much", "megabytes": 1024, "lines": lines}
    job = run_plugin("misbehaving", config)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert job.statuses == ALL_WELL
    assert job.printed("stdout").endswith("\n[output cut at 65536 bytes]\n")
    assert len(job.printed("stdout")) < 66_000
    assert max(len(event["text"]) for event in job.of_type("output")) <= 16 * 1024
    assert grown_kib < 64 * 1024


def test_controls_and_invalid_bytes_in_output_are_written_out(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "print_controls"})
    expected = "red \\x1b[31m bell \\x07 nul \\x00 bad \ufffd\ufffd line\nnext\n"
    assert job.printed("stdout") == expected


def test_nonsense_on_the_event_channel_is_ignored_and_counted(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "write_nonsense_events"})
    assert job.statuses == ALL_WELL
    assert "[12 lines on the event channel were ignored]" in job.printed("stderr")


def test_line_over_the_limit_fails_its_task_with_both_numbers(run_plugin: RunPlugin) -> None:
    config = {"act": "write_too_long_a_line", "bytes": 5_000_000}
    job = run_plugin("misbehaving", config, result_limit_bytes=1_000_000)
    assert job.statuses["misbehave"] == "failed"
    reason = job.results["misbehave"]["reason"]
    assert "4,999,999 bytes" in reason
    assert "2,048,576 bytes" in reason
    assert job.statuses["after"] == "success"


def test_file_beyond_the_limit_is_refused_to_the_task(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "fill_a_file"})
    assert "File too large" in job.results["misbehave"]["reason"]


def test_child_sees_a_scrubbed_world(
    executor_with: Callable[..., ProcessExecutor], prepare: Callable[..., Prepared]
) -> None:
    environ = {
        "https_proxy": "http://proxy:1",
        "SSL_CERT_FILE": "/ca.pem",
        "TRUELINE_TOKEN": "hidden",
        "LD_PRELOAD": "x",
        "PATH": "/nowhere",
    }
    events: list[dict[str, Any]] = []
    order = JobOrder("j", 1, "misbehaving", {"act": "show_surroundings", "note": "canary"})
    executor_with(environ).run(order, prepare("misbehaving"), events.append, StopSignal())
    results = {e["result"]["name"]: e["result"] for e in events if e["type"] == "task_finished"}
    seen = results["misbehave"]["data"]
    variables = seen["variables"]
    expected = {"PATH", "HOME", "TMPDIR", "LANG", "https_proxy", "SSL_CERT_FILE"}
    assert set(variables) - {"LC_CTYPE"} == expected
    assert variables["HOME"] == seen["cwd"] + "/home"
    assert variables["TMPDIR"] == seen["cwd"] + "/tmp"
    assert "/nowhere" not in variables["PATH"]
    assert "canary" not in json.dumps([seen["arguments"], variables])
    assert seen["umask"] == 0o077
    assert seen["modes"] == {".": 0o700, "home": 0o700, "tmp": 0o700}
    assert seen["group"]
    assert seen["session"]
    assert int(seen["blocked"], 16) == 0
    others = [target for fd, target in seen["descriptors"].items() if int(fd) > 3]
    assert all(target == "gone" or target.startswith(seen["cwd"]) for target in others)
    assert not Path(seen["cwd"]).exists()


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
    job = run_plugin("misbehaving", {"act": "oversleep"}, job_timeout_seconds=1)
    assert job.end.status == "partial"
    assert job.end.error["reason"] == "the job reached its deadline of 1 s"
    assert job.statuses == {
        "before": "success", "misbehave": "timeout", "after": "skipped", "judge": "skipped"
    }  # fmt: skip
    assert job.results["after"]["reason"] == "the job reached its deadline of 1 s"
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


def test_error_of_the_receiver_ends_the_job_and_goes_through(
    run_plugin: RunPlugin, nothing_left: Check
) -> None:
    def refuse(_event: dict[str, Any]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_plugin("misbehaving", {"act": "oversleep"}, emit=refuse)
    nothing_left()


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


def test_secrets_leave_through_no_sink(run_plugin: RunPlugin) -> None:
    password = 'p@ss "wörd"\\/канарейка'
    config = {"login": {"password": password}, "pin": 90210}
    job = run_plugin("talkative", config, "/login", "/pin")
    assert job.statuses == {
        "tell": "success",
        "fail": "failed",
        "mark": "success",
        "judge": "success",
    }
    told = json.dumps([job.events, str(job.end)], ensure_ascii=False)
    for form in (password, "канарейка", "wörd", password.encode().hex(), "90210", "%D0%BA%D0%B0"):
        assert form not in told
    encoded = base64.b64encode(b"user:" + password.encode()).decode()
    assert encoded[10:20] not in told
    assert job.results["tell"]["data"]["numbers"] == ["***", 7, True]
    assert job.results["tell"]["logs"] == ["log ***"]
    ids = [resource["id"] for resource in job.results["judge"]["resources"]]
    assert ids == ["***", "*** (2)", "***/a"]


def test_secret_of_stage_one_stays_out_of_every_reason(run_plugin: RunPlugin) -> None:
    config = {"login": {"password": "correct horse"}, "pin": 1, "fail_in": "stage_one"}
    job = run_plugin("talkative", config, "/login/password")
    assert "correct horse" not in str([job.events, job.end])
    assert job.end.error["reason"].endswith("refused: ***")


def test_config_larger_than_a_pipe_reaches_the_child(run_plugin: RunPlugin) -> None:
    config = {"act": "measure_config", "filling": "x" * 3_000_000}
    job = run_plugin("misbehaving", config)
    assert job.results["misbehave"]["data"] == {"bytes": 3_000_000}


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
    assert not list((tmp_path / "jobs").glob("*/job-*"))


def test_description_lists_the_tasks(
    executor_with: Callable[..., ProcessExecutor], prepare: Callable[..., Prepared]
) -> None:
    description = executor_with().describe(prepare("bad_start"))
    assert description.broken is None
    assert [task["name"] for task in description.tasks] == ["first", "second", "third", "judge"]


def test_next_executor_sweeps_what_a_killed_one_left(
    executor_with: Callable[..., ProcessExecutor], tmp_path: Path
) -> None:
    left = tmp_path / "jobs" / "run-left" / "job-x" / "home"
    left.mkdir(parents=True)
    assert executor_with().sweep() == ["run-left"]
    assert not left.exists()


def _when_misbehaving(
    stop: StopSignal, reason: Literal["cancelled", "interrupted"]
) -> Callable[[dict[str, Any]], None]:
    def emit(event: dict[str, Any]) -> None:
        if event == {"type": "task_started", "task": "misbehave"}:
            stop.request(reason)

    return emit
