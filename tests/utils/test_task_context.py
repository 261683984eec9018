import doctest
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import utils.task_context
from utils.deadline import call_within
from utils.errors import UpstreamFailed
from utils.results import TaskResult, TaskStatus, unrun_result
from utils.task_context import BoundedLines, JobView, TaskContext
from utils.tasks import TaskSpec, TaskType
from utils.thread_deadline import ThreadDeadline


def spec(name: str, *, enabled: bool = True) -> TaskSpec:
    return TaskSpec(name, name, None, TaskType.COLLECTOR, None, 100, enabled, ())


def good(name: str, data: str = '{"items":[1]}', partial: tuple[str, ...] = ()) -> TaskResult:
    empty = unrun_result(spec(name), "", TaskStatus.SUCCESS)
    return empty._replace(data=data, message="one item", errors=(), reason=None, partial=partial)


@pytest.fixture
def view() -> JobView:
    results = {
        "good": good("good"),
        "partial": good("partial", partial=("page 2 failed",)),
        "failed": unrun_result(spec("failed"), "boom", TaskStatus.FAILED),
    }
    specs = {name: spec(name) for name in (*results, "reader", "later")}
    specs["off"] = spec("off", enabled=False)
    source = {"url": "file:///x", "ref": "main", "commit": "c0ffee"}
    return JobView({"a": 1}, source, {"key": "secret"}, specs, results)


@pytest.fixture
def ctx(view: JobView) -> TaskContext:
    return TaskContext("reader", view, dict(view.config))


def test_base_config_and_source_are_there(ctx: TaskContext) -> None:
    assert ctx.base("key") == "secret"
    assert ctx.base("other") is None
    assert ctx.base("other", 3) == 3
    assert ctx.config == {"a": 1}
    assert ctx.source["commit"] == "c0ffee"


def test_a_task_knows_how_long_it_may_take(ctx: TaskContext) -> None:
    assert ctx.seconds_left() is None
    left = call_within(30, ctx.seconds_left)
    assert left is not None
    assert 0 < left <= 30


def test_a_task_beside_others_has_its_own_time_in_its_own_threads(view: JobView) -> None:
    both = threading.Barrier(2)

    def left(seconds: float) -> float | None:
        ctx = TaskContext("reader", view, {})

        def call() -> float | None:
            ctx.note_begin()
            both.wait(20)
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(ctx.seconds_left).result()

        told = ThreadDeadline().call_within(seconds, call)
        assert ctx.seconds_left() is None  # it is over
        return told

    with ThreadPoolExecutor(2) as pool:
        short, long = pool.map(left, [100.0, 1000.0])
    assert short is not None
    assert long is not None
    assert 0 < short <= 100 < long <= 1000


def test_a_reader_gets_data_message_and_a_clean_record(ctx: TaskContext) -> None:
    assert ctx.get_data("good") == {"items": [1]}
    assert ctx.get_message("good") == "one item"
    assert ctx.succeeded("good")
    assert ctx.evidence() == ((), ())


def test_a_reader_cannot_change_what_another_reads(view: JobView) -> None:
    first, second = TaskContext("reader", view, {}), TaskContext("later", view, {})
    first.get_data("good")["items"].append(2)
    assert first.get_data("good") == {"items": [1, 2]}
    assert second.get_data("good") == {"items": [1]}


def test_reading_a_failed_task_counts_even_when_the_error_is_swallowed(ctx: TaskContext) -> None:
    with pytest.raises(UpstreamFailed, match=r"'failed' did not succeed \(failed\): boom"):
        ctx.get_data("failed")
    with pytest.raises(UpstreamFailed):
        ctx.get_message("failed")
    assert ctx.evidence().failed_reads == ("failed",)


def test_asking_first_is_handling_it(ctx: TaskContext) -> None:
    assert not ctx.succeeded("failed")
    with pytest.raises(UpstreamFailed):
        ctx.get_data("failed")
    assert ctx.evidence() == ((), ())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gud", "no task is named 'gud'"),
        ("goood", r"did you mean 'good'\?"),
        ("later", "has not run before 'reader'"),
        ("off", "'off' is disabled"),
        ("reader", "reads itself"),
    ],
)
def test_unreadable_tasks_are_told_apart(name: str, told: str, ctx: TaskContext) -> None:
    with pytest.raises(UpstreamFailed, match=told) as caught:
        ctx.get_data(name)
    assert caught.value.advice
    assert ctx.evidence().failed_reads == (name,)


def test_succeeded_is_false_for_what_never_ran(ctx: TaskContext) -> None:
    assert [ctx.succeeded(name) for name in ("later", "off", "gooood")] == [False] * 3
    _, logs = ctx.noted()
    assert logs == ("ctx.succeeded('gooood'): no task has this name (did you mean 'good'?)",)


@pytest.fixture
def beside(view: JobView) -> TaskContext:
    """The context of a reader beside which `good` and `later` may run."""
    return TaskContext("reader", view._replace(results={}, beside={"good", "later"}), {})


def test_what_may_run_at_the_same_time_cannot_be_read(beside: TaskContext) -> None:
    with pytest.raises(UpstreamFailed, match="may run at the same time as 'reader'") as caught:
        beside.get_data("good")
    assert "depends_on of 'reader'" in caught.value.advice
    assert beside.evidence().failed_reads == ("good",)


def test_asking_whether_it_succeeded_settles_nothing(beside: TaskContext) -> None:
    assert not beside.succeeded("good")
    assert beside.evidence().partial == (
        "task 'good' may run at the same time: name it in depends_on",
    )


def test_lines_of_many_threads_keep_to_the_limit() -> None:
    lines = BoundedLines()

    def add() -> None:
        for number in range(400):
            lines.add(number)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = lines.kept()
    assert len(kept) == 1001
    assert sum("left out" in line for line in kept) == 1


def test_reading_partial_data_makes_the_reader_partial_once(ctx: TaskContext) -> None:
    ctx.get_data("partial")
    ctx.get_message("partial")
    assert ctx.evidence().partial == ("task 'partial' is partial: page 2 failed",)


def test_depending_on_partial_data_counts_as_reading(ctx: TaskContext) -> None:
    ctx.note_dependency("partial")
    ctx.mark_partial("no access to b")
    assert ctx.evidence().partial == (
        "task 'partial' is partial: page 2 failed",
        "no access to b",
    )


def test_logs_and_errors_are_kept_apart(ctx: TaskContext) -> None:
    ctx.add_log("one")
    ctx.add_log(2)
    ctx.add_error(ValueError("bad"))
    assert ctx.noted() == (("bad",), ("one", "2"))


def test_lines_become_fit_to_store() -> None:
    lines = BoundedLines()
    lines.add("a\0b\ud800")
    assert lines.kept() == ("a\\x00b\\ud800",)


@pytest.mark.parametrize(("line", "kept"), [("x", 1000), ("x" * 1024, 64)])
def test_lines_end_with_one_mark_at_the_limit(line: Any, kept: int) -> None:
    lines = BoundedLines()
    for _ in range(1500):
        lines.add(line)
    assert len(lines.kept()) == kept + 1
    assert lines.kept()[-1] == "[further lines left out: the limit is 1,000 lines or 64 KiB]"


def test_the_documented_example_parses() -> None:
    assert doctest.testmod(utils.task_context).failed == 0


def test_everything_ctx_offers_is_in_the_reference() -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/results.md").read_text()
    offered = ("base", "get_data", "get_message", "succeeded", "add_log", "add_error")
    for name in (*offered, "mark_partial", "config", "source"):
        assert f"| `ctx.{name}" in reference
