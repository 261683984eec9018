import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

RunChild = Callable[..., Any]


def test_the_documented_shape_runs_as_it_stands(run_child: RunChild) -> None:
    child = run_child("documented", config={"api_key": "four"})
    assert child.kinds == [
        "plan", "stage_one", "task_started", "task_finished", "task_started", "task_finished",
        "finished",
    ]  # fmt: skip
    assert child.planned == ["list_things", "check_thing"]
    assert child.only("stage_one") | {"duration_seconds": 0} == {
        "type": "stage_one",
        "status": "success",
        "duration_seconds": 0,
        "error": None,
        "logs": [],
    }
    listed, checked = child.results["list_things"], child.results["check_thing"]
    assert listed["logs"] == ["Processing things..."]
    assert listed["data"] == {"things": [{"id": "1", "name": "thing_1", "key_length": 4}]}
    assert (checked["verdict"], checked["severity"]) == ("fail", "high")
    assert checked["data"] == {"total": 1, "config": "documented"}
    assert checked["message"] == "Found 1 things"
    assert child.code == 0


def test_a_bare_runner_and_bare_folders_run_too(run_child: RunChild) -> None:
    child = run_child("bare_runner")
    assert child.results["count_items"]["verdict"] == "pass"
    assert child.results["count_items"]["data"] == {
        "count": 0,
        "config": {"integration_name": "bare_runner"},
    }


def test_describe_lists_every_task_and_runs_none_of_the_runner(run_child: RunChild) -> None:
    child = run_child("runner_raises", mode="describe")
    assert child.kinds == ["plan"]
    assert child.events[0]["tasks"][1] == {
        "name": "judge",
        "title": "Judge",
        "description": None,
        "type": "insight",
        "severity": "high",
        "order": 500,
        "enabled": True,
        "depends_on": [],
    }


def test_a_scan_leaves_out_what_is_disabled_and_what_puts_right(run_child: RunChild) -> None:
    child = run_child("ordered")
    assert child.planned == list(child.results)
    assert child.planned == [
        "a_collector", "b_collector", "late_collector", "early_insight", "last_insight",
    ]  # fmt: skip


def test_only_the_tasks_asked_for_run(run_child: RunChild) -> None:
    child = run_child("ordered", only=["early_insight", "a_collector"])
    assert list(child.results) == child.planned == ["a_collector", "early_insight"]


@pytest.mark.parametrize("name", ["a_colector", "switched_off", "put_right"])
def test_asking_for_a_task_that_cannot_run_is_an_error(name: str, run_child: RunChild) -> None:
    error = run_child("ordered", only=[name]).error
    assert f"no enabled collector or insight is named '{name}'" in error["reason"]
    assert "a_collector" in error["advice"]


@pytest.mark.parametrize(
    ("integration", "status", "told"),
    [
        ("stage_one_fails", "failed", "entry.py:8: ConnectionError: no route to the API"),
        ("stage_one_returns_none", "failed", "StageOne.start() returned None, expected a dict"),
        ("stage_one_hangs", "timeout", "StageOne took longer than 1 s"),
        ("runner_raises", "failed", "KeyError: 'region'"),
    ],
)
def test_when_stage_one_does_not_succeed_every_task_is_skipped(
    integration: str, status: str, told: str, run_child: RunChild
) -> None:
    child = run_child(integration, task_timeout_seconds=1)
    assert child.kinds == ["plan", "stage_one", "task_finished", "task_finished", "finished"]
    stage_one = child.only("stage_one")
    assert stage_one["status"] == status
    assert told in stage_one["error"]["reason"]
    assert stage_one["error"]["advice"]
    assert [
        (result["status"], result["verdict"], told in result["reason"])
        for result in child.results.values()
    ] == [("skipped", None, True), ("skipped", "unknown", True)]
    assert child.code == 0


def test_stage_one_may_log_and_be_async(run_child: RunChild) -> None:
    assert run_child("stage_one_fails").only("stage_one")["logs"] == ["logging in"]
    child = run_child("stage_one_async", config={"token": "t"})
    assert child.results["collect"]["data"] == {"token": "t"}


INVALID = {
    "nan": "invalid result: data.items[0].score: nan is no JSON number",
    "raw_bytes": "invalid result: data.items[0].body: bytes cannot be JSON",
    "cycle": "invalid result: data.self: it contains itself",
    "nul": "invalid result: data[0]: text with a NUL",
    "surrogate": "invalid result: data[0]: text with a lone surrogate",
    "oversize": "invalid result: data: 100,000,011 bytes as JSON, more than the limit of 16,7",
    "levels": "deeper than 100 levels",
    "nothing": 'invalid result: return value: expected a dict with "data", got None',
    "no_data": 'the key "data" is missing',
    "extra": "a collector returned the key 'violation'",
    "surrogate_message": "invalid result: message: text with a lone surrogate",
}


def test_results_that_cannot_be_recorded_fail_their_task_alone(run_child: RunChild) -> None:
    child = run_child("bad_results")
    failed = {name: child.results[name] for name in INVALID}
    assert {name: result["status"] for name, result in failed.items()} == dict.fromkeys(
        INVALID, "failed"
    )
    untold = {name: r["reason"] for name, r in failed.items() if INVALID[name] not in r["reason"]}
    assert untold == {}
    assert all(result["data"] is None for result in failed.values())
    assert child.results["after_all"]["data"] == {"ran": True}
    assert child.results["reads_nan"]["verdict"] == "unknown"
    assert child.code == 0


def test_tasks_that_raise_fail_alone(run_child: RunChild) -> None:
    results = run_child("raises").results
    errors = results["library_error"]["errors"]
    assert errors[0] == "the answer was no JSON"
    assert "integrations/raises/collectors/a.py:15: JSONDecodeError" in errors[1]
    assert 'File "integrations/raises/collectors/a.py", line 11, in library_error' in errors[1]
    assert "task_run.py" not in errors[1]
    assert "SystemExit: giving up" in results["exits"]["reason"]
    assert "KeyboardInterrupt" in results["interrupts"]["reason"]
    assert (results["noted_error"]["status"], results["noted_error"]["errors"]) == (
        "success",
        ["one region did not answer"],
    )
    assert results["runs_async"]["data"] == {"async": True}


def test_a_forked_copy_never_goes_on_with_the_job(run_child: RunChild) -> None:
    assert run_child("raises", only=["forks"]).results["forks"]["data"] == {"copy_ended_with": 1}


def test_readers_of_a_failed_task_know_nothing(run_child: RunChild) -> None:
    results = run_child("raises").results
    assert {
        name: (results[name]["status"], results[name]["verdict"])
        for name in ("reads_exits", "asks_first", "needs_exits", "needs_skipped")
    } == {
        "reads_exits": ("failed", "unknown"),
        "asks_first": ("success", "pass"),
        "needs_exits": ("skipped", "unknown"),
        "needs_skipped": ("skipped", "unknown"),
    }
    assert "which did not succeed (skipped)" in results["needs_skipped"]["reason"]


def test_partial_collection_passes_nothing(run_child: RunChild) -> None:
    results = run_child("partial_pages").results
    assert {name: result["verdict"] for name, result in results.items()} == {
        "list_pages": None,
        "derive": None,
        "finds_one": "fail",
        "finds_none": "unknown",
        "depends": "unknown",
        "untouched": "pass",
    }
    assert results["list_pages"]["partial"] == ["page 2: cut off"]
    assert "page 2: cut off" in results["finds_none"]["reason"]
    assert results["finds_one"]["partial"]


def test_overruns_are_stopped_and_the_tasks_after_them_run(run_child: RunChild) -> None:
    results = run_child("overruns", task_timeout_seconds=1).results
    assert {name: result["status"] for name, result in results.items()} == {
        "a_sleeps": "timeout",
        "b_async": "timeout",
        "c_swallows": "timeout",
        "d_runs": "success",
        "e_judges": "failed",
    }
    assert results["a_sleeps"]["reason"] == "the task took longer than 1 s and was stopped"
    assert results["a_sleeps"]["logs"] == ["going to sleep"]
    assert "time.sleep(600)" in results["a_sleeps"]["errors"][0]
    assert results["e_judges"]["verdict"] == "unknown"


def test_no_task_changes_what_another_reads_or_what_is_recorded(run_child: RunChild) -> None:
    results = run_child("mutates", config={"limits": {"most": 3}}).results
    recorded = {"items": [{"n": 1}], "at": [1, 2]}
    assert results["list_items"]["data"] == recorded
    assert results["spoil"]["data"]["items"] == [{"n": 2}, "more"]
    config = {"limits": {"most": 3}, "integration_name": "mutates"}
    source = {"url": "file:///source", "ref": "main", "commit": "c0ffee"}
    assert results["check"]["data"] == {
        "read": recorded,
        "config": config,
        "self": config,
        "source": [source, source],
    }


def test_a_later_child_goes_on_where_a_killed_one_ended(
    run_child: RunChild, tmp_path: Path
) -> None:
    first = run_child("crashes")
    assert first.kinds[-2:] == ["task_finished", "task_started"]
    assert first.code == -11
    second = run_child("crashes", resume=True, done=["fine", "list_items"])
    assert second.planned == ["fine", "list_items", "count", "judge"]
    assert list(second.results) == ["count", "judge"]
    assert (second.results["count"]["verdict"], second.results["count"]["data"]) == (
        "pass",
        {"n": 1},
    )
    assert second.results["judge"]["verdict"] == "unknown"
    assert "an earlier process" in second.results["judge"]["reason"]
    spooled = (tmp_path / "job/results.jsonl").read_text().splitlines()
    names = [json.loads(line)["name"] for line in spooled if line]
    assert names == ["fine", "count", "judge"]


MEETING = ["a", "b", "c"]


def test_tasks_side_by_side_keep_results_logs_and_output_apart(run_child: RunChild) -> None:
    child = run_child("side_by_side")
    assert child.planned == [
        "a", "b", "c", "d_needs_a", "e_reads_c", "f_asks_c", "last", "judge_c", "judge_judge"
    ]  # fmt: skip
    assert child.kinds[2:5] == ["task_started"] * 3
    for name in MEETING:
        result = child.results[name]
        assert result["data"] == {"of": f"task {name}", "same": f"task {name}"}
        assert result["logs"] == [f"task {name} {number}" for number in range(50)]
        printed = [line for line in child.stdout.splitlines() if line.startswith(f"[{name}] ")]
        assert printed == [
            *(f"[{name}] task {name} {number}" for number in range(50)),
            f"[{name}] helper of task {name}",
            f"[{name}] no end",
        ]
        assert f"[{name}] warned by task {name}\n" in child.stderr
    assert all(line.startswith("[") for line in child.stdout.splitlines())
    assert child.kinds[-1] == "finished"


def test_what_a_task_reads_does_not_depend_on_who_ends_first(run_child: RunChild) -> None:
    results = run_child("side_by_side").results
    assert results["d_needs_a"]["data"] == results["a"]["data"]
    assert results["f_asks_c"]["data"] == {"c": False, "a": results["a"]["data"]}
    assert "may run at the same time" in results["f_asks_c"]["reason"]
    assert results["e_reads_c"]["status"] == "failed"
    assert "'c' may run at the same time as 'e_reads_c'" in results["e_reads_c"]["reason"]
    assert results["last"]["data"] == {"all": [True] * 3}
    assert (results["judge_c"]["verdict"], results["judge_judge"]["verdict"]) == (
        "pass",
        "unknown",
    )


def test_groups_never_overlap_and_their_order_stays(run_child: RunChild) -> None:
    child = run_child("side_by_side")
    moments = [
        event["task"] if event["type"] == "task_started" else f"-{event['result']['name']}"
        for event in child.events
        if event["type"] in {"task_started", "task_finished"}
    ]
    assert moments.index("last") == 12
    assert moments[13] == "-last"
    assert moments[14:16] == ["judge_c", "judge_judge"]


def test_tasks_told_to_run_alone_run_before_the_others_in_the_main_thread(
    run_child: RunChild, write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    child = run_child("sample", write_snapshot(NAMES_ITS_THREAD), alone=["b", "c"])
    threads = {name: result["data"][0] for name, result in child.results.items()}
    assert list(threads)[:2] == ["b", "c"]
    assert threads == {"b": "MainThread", "c": "MainThread", "a": "task a", "d": "task d"}


def test_each_task_has_a_self_of_its_own_where_others_may_run_beside_it(
    run_child: RunChild, write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    results = run_child("sample", write_snapshot(NAMES_ITS_THREAD)).results
    assert [result["data"][1] for result in results.values()] == [None] * 4
    serial = NAMES_ITS_THREAD | {"entry.py": ENTRY.replace("= 4", "= 1")}
    results = run_child("sample", write_snapshot(serial)).results
    assert [result["data"] for result in results.values()] == [
        ["MainThread", None], ["MainThread", "a"], ["MainThread", "b"], ["MainThread", "c"]
    ]  # fmt: skip


ENTRY = """\
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    parallel_tasks = 4
"""
NAMES_ITS_THREAD = {
    "entry.py": ENTRY,
    "collectors/all.py": """\
import threading

from utils.decorators import task


def named(name):
    @task(name=name, title=name)
    def work(self, ctx):
        last, self.last = getattr(self, "last", None), name
        return {"data": [threading.current_thread().name, last]}


for name in "abcd":
    named(name)
""",
}


BULKY = """\
from utils.decorators import task


@task(name="bulk", title="Bulk")
def bulk(self, ctx):
    return {"data": {"rows": ["x" * 1000] * self.config["rows"]}}


@task(name="count", title="Count", depends_on=("bulk",), order=200)
def count(self, ctx):
    rows = ctx.get_data("bulk")["rows"]
    rows.append("mine alone")
    return {"data": {"rows": len(ctx.get_data("bulk")["rows"]), "length": len(rows[0])}}
"""


def test_large_data_goes_through_a_file_that_readers_and_later_children_read(
    run_child: RunChild, write_snapshot: Callable[[Mapping[str, str]], Path], tmp_path: Path
) -> None:
    snapshot = write_snapshot({"collectors/bulky.py": BULKY})
    child = run_child("sample", snapshot, config={"rows": 3000})
    bulk = child.results["bulk"]
    assert bulk["data"] is None
    file = tmp_path / "job" / f"results.jsonl.{bulk['large']['file']}"
    assert file.stat().st_size == bulk["large"]["size_bytes"]
    assert json.loads(file.read_text()) == {"rows": ["x" * 1000] * 3000}
    told = [event["size_bytes"] for event in child.events if event["type"] == "data_written"]
    assert len(told) == 2
    assert told[-1] <= bulk["large"]["size_bytes"]
    assert child.results["count"]["data"] == {"rows": 3001, "length": 1000}

    later = run_child("sample", snapshot, config={"rows": 0}, resume=True, done=["bulk"])
    assert later.results["count"]["data"] == {"rows": 3001, "length": 1000}


def test_large_data_over_the_limit_leaves_no_file(
    run_child: RunChild, write_snapshot: Callable[[Mapping[str, str]], Path], tmp_path: Path
) -> None:
    snapshot = write_snapshot({"collectors/bulky.py": BULKY})
    child = run_child("sample", snapshot, config={"rows": 900}, result_limit_bytes=500_000)
    reason = child.results["bulk"]["reason"]
    assert "902,710 bytes as JSON, more than the limit of 500,000 bytes" in reason
    assert [path.name for path in (tmp_path / "job").glob("results.jsonl*")] == ["results.jsonl"]


def test_tasks_side_by_side_announce_nothing_of_their_files(
    run_child: RunChild, write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    beside = BULKY.replace('"bulk"', '"other"').split('@task(name="count"')[0]
    entry = (
        "from utils.base_runner import BaseRunner\n\n\n"
        "class Runner(BaseRunner):\n    parallel_tasks = 2\n"
    )
    files = {"entry.py": entry, "collectors/bulky.py": BULKY, "collectors/other.py": beside}
    child = run_child("sample", write_snapshot(files), config={"rows": 3000})
    assert "data_written" not in child.kinds
    assert child.results["bulk"]["large"]["file"] != child.results["other"]["large"]["file"]
    assert child.results["count"]["data"] == {"rows": 3001, "length": 1000}
