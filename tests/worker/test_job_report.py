import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worker.job_order import JobEnd, JobOrder, Limits
from worker.job_report import JobReport
from worker.large_files import LargeFiles

RunPlugin = Callable[..., Any]

ALL_WELL = {"before": "success", "misbehave": "success", "after": "success", "judge": "success"}


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


def test_controls_and_invalid_bytes_in_output_are_written_out(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "print_controls"})
    expected = "red \\x1b[31m bell \\x07 nul \\x00 bad \ufffd\ufffd line\nnext\n"
    assert job.printed("stdout") == expected


def test_spool_that_the_plugin_made_a_pipe_or_a_link_is_left_alone(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("pipe", "link", "absent/file"):
        report = report_with_a_plan(tmp_path / name, events)
        report.stand_in("list", "failed", "it crashed")
    assert [event["result"]["reason"] for event in events if event["type"] == "task_finished"] == [
        "it crashed"
    ] * 3
    assert (tmp_path / "target").read_text() == "precious"


def test_stand_in_reaches_the_spool_after_half_a_line(tmp_path: Path) -> None:
    spool = tmp_path / "results.jsonl"
    spool.write_text('{"half')
    report_with_a_plan(spool, []).stand_in("list", "timeout", "too slow")
    *_, last, end = spool.read_text().split("\n")
    assert json.loads(last)["status"] == "timeout"
    assert end == ""


def test_muted_report_emits_nothing(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events)
    events.clear()
    report.muted = True
    report.stand_in("list", "failed", "it crashed")
    report.end(JobEnd("interrupted"))
    assert events == []


def test_fault_of_the_whole_job_is_told_without_secrets(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events)
    end = report.end(JobEnd("failed", {"reason": "no hunter2\x1b", "advice": "ask hunter2"}))
    assert end.error == {"reason": "no ***\\x1b", "advice": "ask ***"}
    assert events[-1] == {"type": "job_finished", "status": "failed", "error": end.error}


def test_the_heaviest_cause_is_told_at_the_end(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events)
    report.take(b'{"type":"task_started","task":"list"}')
    cause = {"kind": "rate_limited", "retry_after": 7.5}
    named = {"name": "list", "title": "List", "type": "collector", "status": "failed"}
    result = {**named, "duration_seconds": 1, "cause": cause}
    report.take(json.dumps({"type": "task_finished", "result": result}).encode())
    report.end(JobEnd("failed"))
    assert events[-2]["result"]["cause"] == cause
    assert events[-1]["cause"] == cause


def test_the_cause_of_stage_one_is_told_at_the_end_and_not_in_its_error(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events, stage_one=False)
    error = {"reason": "no", "advice": "", "traceback": None, "cause": {"kind": "auth"}}
    failed = {"type": "stage_one", "status": "failed", "duration_seconds": 1, "error": error}
    report.take(json.dumps(failed).encode())
    end = report.end(JobEnd("failed", report.stage_one_fault))
    assert end.error == {"reason": "no", "advice": "", "traceback": None}
    assert events[-1]["cause"] == {"kind": "auth", "retry_after": None}


def test_a_cause_that_makes_no_sense_spoils_its_event(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events, stage_one=False)
    error = {"reason": "no", "cause": {"kind": "bad luck"}}
    failed = {"type": "stage_one", "status": "failed", "duration_seconds": 1, "error": error}
    report.take(json.dumps(failed).encode())
    assert report.ignored == 1


def report_with_a_plan(
    spool: Path, events: list[dict[str, Any]], *, stage_one: bool = True
) -> JobReport:
    order = JobOrder("job", 1, "name", {"password": "hunter2"}, ("/password",))
    limits = Limits(5, 10, 512, 1024, 1024)
    report = JobReport(order, limits, spool, events.append, LargeFiles(spool.parent / "large"))
    task = {"name": "list", "title": "List", "type": "collector"}
    report.take(json.dumps({"type": "plan", "tasks": [task]}).encode())
    if stage_one:
        report.take(b'{"type":"stage_one","status":"success","duration_seconds":1}')
    return report


def test_large_data_that_cannot_be_recorded_fails_its_task_alone(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events)
    (tmp_path / "spool.0").write_bytes(b"[\nNaN\n]\n")
    report.take(b'{"type":"task_started","task":"list"}')
    report.take(b'{"type":"data_written","task":"list","file":0,"size_bytes":2}')
    report.take(finished_large(8))
    (told,) = [event["result"] for event in events if event["type"] == "task_finished"]
    assert told["status"] == "failed"
    assert "its data cannot be recorded" in told["reason"]
    assert report.ledger.status() == "failed"
    assert list((tmp_path / "large").glob("*")) == []


def test_large_data_is_told_by_hash_and_sizes_and_only_of_the_task_that_runs(
    tmp_path: Path,
) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events)
    (tmp_path / "spool.0").write_bytes(b'[\n"hunter2"\n]\n')
    report.take(b'{"type":"data_written","task":"list","file":0,"size_bytes":2}')
    report.take(finished_large(14))
    assert report.ignored == 2
    report.take(b'{"type":"task_started","task":"list"}')
    report.take(finished_large(14))
    (told,) = [event["result"] for event in events if event["type"] == "task_finished"]
    assert told["data"] is None
    assert told["large_data"]["size_bytes"] == len(b'[\n"***"\n]\n')
    assert "large" not in told
    (kept,) = (tmp_path / "large").glob("*/*")
    assert kept.name == told["large_data"]["sha256"]


def test_large_data_of_an_attempt_that_is_told_nothing_of_is_removed(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events)
    (tmp_path / "spool.0").write_bytes(b"[\n1\n]\n")
    report.take(b'{"type":"task_started","task":"list"}')
    report.muted = True
    report.take(finished_large(6))
    report.close()
    assert list((tmp_path / "large").glob("*")) == []


def finished_large(size_bytes: int) -> bytes:
    result: dict[str, Any] = {"name": "list", "title": "List", "type": "collector"}
    result |= {"status": "success", "duration_seconds": 1}
    result |= {"large": {"file": 0, "size_bytes": size_bytes}}
    return json.dumps({"type": "task_finished", "result": result}).encode()


def test_exchanges_of_a_job_that_nobody_tapes_are_nonsense(tmp_path: Path) -> None:
    line = json.dumps({"type": "exchange", "exchange": {"body": "s3cr3t-token"}}).encode()
    limits = Limits(5, 10, 512, 1024**2, 1024)
    told: dict[bool, list[dict[str, Any]]] = {}
    for taped in (False, True):
        events: list[dict[str, Any]] = []
        exchanges = {"mode": "record"} if taped else None
        order = JobOrder("j", 1, "x", {"t": "s3cr3t-token"}, ("/t",), exchanges=exchanges)
        large = LargeFiles(tmp_path / "large")
        report = JobReport(order, limits, tmp_path / "spool", events.append, large)
        report.take(line)
        report.close()
        told[taped] = events
        assert report.ignored == (0 if taped else 1)
    assert told == {False: [], True: [{"type": "exchange", "exchange": {"body": "***"}}]}


def test_progress_of_a_running_task_is_told_thinned_out(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = report_with_a_plan(tmp_path / "spool", events)
    for event in (
        {"type": "progress", "task": "list", "done": 1, "total": 9},
        {"type": "task_started", "task": "list"},
        *({"type": "progress", "task": "list", "done": done, "total": 9} for done in range(1, 10)),
        {"type": "progress", "task": "other", "done": 1, "total": 9},
        {"type": "progress", "task": "list", "done": -1, "total": None},
    ):
        report.take(json.dumps(event).encode())
    told = [event for event in events if event["type"] == "progress"]
    assert [event["done"] for event in told] == [1, 9]
    assert report.ignored == 3
    for _ in range(2000):
        report.take(b'{"type": "progress", "task": "list", "done": 1, "total": 9}')
    assert report.ignored > 900, "a flood counts as nonsense"
