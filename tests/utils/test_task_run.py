from collections.abc import Callable
from typing import Any

import pytest

from utils.base_runner import BaseRunner, TaskContext
from utils.results import TaskResult, TaskStatus, Verdict, unrun_result
from utils.task_context import JobView
from utils.task_run import TaskLimits, TaskRun, copied, skipped, unmet_dependency
from utils.tasks import DeclaredTask, Severity, TaskSpec, TaskType

Run = Callable[..., TaskResult]

COLLECTOR = TaskSpec("collect", "Collect", None, TaskType.COLLECTOR, None, 100, True, ())
INSIGHT = TaskSpec("judge", "Judge", None, TaskType.INSIGHT, Severity.HIGH, 500, True, ())


@pytest.fixture
def results() -> dict[str, TaskResult]:
    good = unrun_result(COLLECTOR._replace(name="good"), "", TaskStatus.SUCCESS)
    return {
        "good": good._replace(data="[1]"),
        "partial": good._replace(name="partial", data="[1]", partial=("page 2",)),
        "bad": unrun_result(COLLECTOR._replace(name="bad"), "boom", TaskStatus.FAILED),
    }


@pytest.fixture
def view(results: dict[str, TaskResult]) -> JobView:
    specs = {name: COLLECTOR._replace(name=name) for name in (*results, "absent")}
    specs["off"] = COLLECTOR._replace(name="off", enabled=False)
    return JobView({"limits": {"most": 3}}, {}, {}, specs, results)


@pytest.fixture
def run(view: JobView) -> Run:
    def call(
        spec: TaskSpec, function: Callable[[Any, Any], Any], limit: int = 10_000
    ) -> TaskResult:
        task = DeclaredTask(spec, function, "a.py", 1)
        return TaskRun(task, BaseRunner.StageTwo({}), view, TaskLimits(60, limit)).run()

    return call


def test_a_collector_succeeds_without_a_verdict(run: Run) -> None:
    result = run(COLLECTOR, lambda _self, _ctx: {"data": {"n": 1}, "message": "one"})
    assert (result.status, result.verdict, result.reason) == (TaskStatus.SUCCESS, None, None)
    assert (result.data, result.message, result.errors) == ('{"n":1}', "one", ())


@pytest.mark.parametrize(
    ("returned", "verdict"),
    [
        ({"data": {}}, Verdict.PASS),
        ({"data": {}, "violation": True}, Verdict.FAIL),
        ({"data": {}, "resources": [{"id": "a"}]}, Verdict.FAIL),
    ],
)
def test_an_insight_has_a_verdict(returned: Any, verdict: Verdict, run: Run) -> None:
    result = run(INSIGHT, lambda _self, _ctx: returned)
    assert (result.verdict, result.severity) == (verdict, Severity.HIGH)


def test_a_pass_on_swallowed_failure_is_unknown(run: Run) -> None:
    def judge(_self: Any, ctx: TaskContext) -> dict[str, Any]:
        try:
            ctx.get_data("bad")
        except Exception:  # noqa: BLE001 - what plugins write
            ctx.add_log("never mind")
        return {"data": {}}

    result = run(INSIGHT, judge)
    assert (result.status, result.verdict) == (TaskStatus.SUCCESS, Verdict.UNKNOWN)
    assert "'bad'" in str(result.reason)
    collected = run(COLLECTOR, judge)
    assert collected.verdict is None
    assert collected.partial == ("task 'bad' did not succeed",)


def test_an_unhandled_failed_read_fails_the_reader_without_a_traceback(run: Run) -> None:
    result = run(INSIGHT, lambda _self, ctx: {"data": ctx.get_data("bad")})
    assert (result.status, result.verdict) == (TaskStatus.FAILED, Verdict.UNKNOWN)
    assert "task 'bad' did not succeed (failed): boom" in str(result.reason)
    assert "Traceback" not in result.errors[0]


def test_partial_data_turns_a_pass_into_unknown_and_leaves_a_fail(run: Run) -> None:
    passed = run(INSIGHT, lambda _self, ctx: {"data": ctx.get_data("partial")})
    failed = run(INSIGHT, lambda _self, ctx: {"data": ctx.get_data("partial"), "violation": True})
    assert (passed.verdict, failed.verdict) == (Verdict.UNKNOWN, Verdict.FAIL)
    assert passed.partial == failed.partial == ("task 'partial' is partial: page 2",)


def test_a_noted_error_is_listed_and_the_task_succeeds(run: Run) -> None:
    def collect(_self: Any, ctx: TaskContext) -> dict[str, Any]:
        ctx.add_error("one region is away")
        return {"data": {}}

    result = run(COLLECTOR, collect)
    assert (result.status, result.errors) == (TaskStatus.SUCCESS, ("one region is away",))


def test_an_invalid_result_fails_the_task_with_its_path(run: Run) -> None:
    result = run(COLLECTOR, lambda _self, _ctx: {"data": {"a": [b""]}})
    assert result.status is TaskStatus.FAILED
    assert str(result.reason).startswith("invalid result: data.a[0]: bytes cannot be JSON")
    assert result.data == "null"


def test_oversize_fails_the_task_with_both_numbers(run: Run) -> None:
    result = run(COLLECTOR, lambda _self, _ctx: {"data": ["x" * 2000]}, limit=1000)
    assert "data: 2,004 bytes as JSON, more than the limit of 1,000 bytes" in result.errors[0]


def test_what_a_task_does_to_the_config_ends_with_it(run: Run, view: JobView) -> None:
    def spoil(self: Any, ctx: TaskContext) -> dict[str, Any]:
        ctx.config["limits"]["most"] = 99
        return {"data": self.config}

    assert run(COLLECTOR, spoil).data == '{"limits":{"most":99}}'
    assert view.config == {"limits": {"most": 3}}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("good", None),
        ("partial", None),
        ("bad", "depends on 'bad', which did not succeed (failed)"),
        ("absent", "depends on 'absent', which is not part of this run"),
        ("off", "depends on 'off', which is disabled"),
    ],
)
def test_a_dependency_must_have_succeeded(name: str, told: str | None, view: JobView) -> None:
    unmet = unmet_dependency(INSIGHT._replace(depends_on=(name,)), view)
    assert unmet is None if told is None else told in str(unmet)


def test_a_skipped_insight_is_unknown() -> None:
    result = skipped(INSIGHT, "no login")
    assert (result.status, result.verdict, result.reason) == (
        TaskStatus.SKIPPED,
        Verdict.UNKNOWN,
        "no login",
    )


def test_copies_share_only_what_is_no_dict_or_list() -> None:
    client = object()
    original = {"a": [{"b": 1}], "client": client}
    copy = copied(original)
    copy["a"][0]["b"] = 2
    assert original["a"] == [{"b": 1}]
    assert copy["client"] is client
