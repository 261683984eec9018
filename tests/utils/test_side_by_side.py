import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from utils.base_runner import BaseRunner
from utils.results import TaskResult, TaskStatus
from utils.side_by_side import SideBySide, Steps
from utils.task_context import JobView
from utils.task_run import TaskLimits, TaskRun, skipped
from utils.task_thread import TaskThread
from utils.tasks import DeclaredTask, TaskSpec, TaskType

Function = Callable[[Any, Any], Any]
SPEC = TaskSpec("a", "A", None, TaskType.COLLECTOR, None, 100, True, ())


class Group:
    """Runs functions as tasks of one group, and keeps what was reported in its order."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.most_open = 0
        self.results: dict[str, TaskResult] = {}
        self.skip: set[str] = set()
        self.is_sound: bool | None = None
        self.reporters: set[threading.Thread] = set()

    def run(
        self,
        functions: dict[str, Function],
        most: int = 8,
        timeout_seconds: float = 60,
        **depends_on: tuple[str, ...],
    ) -> dict[str, TaskStatus]:
        tasks = [
            DeclaredTask(
                SPEC._replace(name=name, depends_on=depends_on.get(name, ())), function, "a.py", 1
            )
            for name, function in functions.items()
        ]
        view = JobView({}, {}, {}, {task.spec.name: task.spec for task in tasks}, self.results)

        def begin(task: DeclaredTask) -> TaskRun | None:
            if task.spec.name in self.skip:
                report(skipped(task.spec, "not today"))
                return None
            self.begun.append(task.spec.name)
            self.most_open = max(self.most_open, len(self.begun) - len(self.results))
            seen = view._replace(beside=frozenset())
            limits = TaskLimits(timeout_seconds, 10_000)
            return TaskRun(task, BaseRunner.StageTwo({}), seen, limits)

        def report(result: TaskResult) -> None:
            assert result.name not in self.results
            self.results[result.name] = result
            self.reporters.add(threading.current_thread())

        group = SideBySide(Steps(begin, report), most, timeout_seconds)
        self.is_sound = group.run(tasks)
        return {name: result.status for name, result in self.results.items()}


@pytest.fixture
def group() -> Group:
    return Group()


def fine(_self: Any, _ctx: Any) -> dict[str, Any]:
    return {"data": {}}


@pytest.mark.parametrize(("most", "meeting"), [(1, 1), (3, 3), (8, 6)])
def test_as_many_run_at_once_as_are_allowed_and_never_more(
    most: int, meeting: int, group: Group
) -> None:
    met = threading.Barrier(meeting, timeout=20)

    def meet(_self: Any, _ctx: Any) -> dict[str, Any]:
        met.wait()
        return {"data": {}}

    names = [f"t{number}" for number in range(6)]
    assert group.run(dict.fromkeys(names, meet), most) == dict.fromkeys(names, TaskStatus.SUCCESS)
    assert group.most_open == meeting
    assert group.begun == names
    assert group.is_sound
    assert group.reporters == {threading.current_thread()}


def test_a_dependency_ends_first(group: Group) -> None:
    a_may_end, order = threading.Event(), list[str]()

    def noted(name: str, wait: Callable[[], object]) -> Function:
        def function(_self: Any, _ctx: Any) -> dict[str, Any]:
            wait()
            order.append(name)
            return {"data": {}}

        return function

    group.run(
        {
            "a": noted("a", lambda: a_may_end.wait(20)),
            "b": noted("b", bool),
            "c": noted("c", a_may_end.set),
            "d": noted("d", bool),
        },
        b=("a",),
        d=("b",),
    )
    assert order == ["c", "a", "b", "d"]


def test_what_waits_for_a_skipped_task_is_asked_about_at_once(group: Group) -> None:
    group.skip = {"a", "b"}
    statuses = group.run({"a": fine, "b": fine, "c": fine}, b=("a",), c=("b",))
    assert statuses == {
        "a": TaskStatus.SKIPPED, "b": TaskStatus.SKIPPED, "c": TaskStatus.SUCCESS
    }  # fmt: skip


def test_a_task_that_does_not_stop_is_reported_and_nothing_else_begins(group: Group) -> None:
    release, stopped = threading.Lock(), threading.Event()
    release.acquire()

    def hang(_self: Any, ctx: Any) -> None:
        ctx.add_log("hanging")
        try:
            release.acquire()
        finally:
            stopped.set()

    statuses = group.run({"a": hang, "b": fine, "c": fine}, 2, 0.2, c=("a",))
    assert statuses == {"b": TaskStatus.SUCCESS, "a": TaskStatus.TIMEOUT}
    assert group.is_sound is False
    hung = group.results["a"]
    assert hung.reason == "the task took longer than 0.2 s and was stopped"
    assert hung.logs == ("hanging",)
    assert hung.duration_seconds >= 0.2
    release.release()
    assert stopped.wait(20)


def test_a_task_that_was_given_up_and_ends_after_all_is_not_reported_again() -> None:
    spec, reported = SPEC, list[TaskResult]()
    view = JobView({}, {}, {}, {"a": spec}, {}, frozenset())
    run = TaskRun(
        DeclaredTask(spec, fine, "a.py", 1), BaseRunner.StageTwo({}), view, TaskLimits(60, 10_000)
    )
    ended: SimpleQueue[TaskThread] = SimpleQueue()
    thread = TaskThread(run, 60, ended.put)
    thread.start()
    SideBySide(Steps(lambda _task: run, reported.append), 2, 60)._take(ended.get(timeout=20))
    assert reported == []


def test_a_task_that_stops_at_its_deadline_leaves_the_rest_to_go_on(group: Group) -> None:
    def spin(_self: Any, _ctx: Any) -> None:
        while True:
            pass

    statuses = group.run({"a": spin, "b": fine}, 1, 0.3)
    assert statuses == {"a": TaskStatus.TIMEOUT, "b": TaskStatus.SUCCESS}
    assert group.is_sound


@pytest.mark.parametrize("first_starts", [True, False])
def test_without_more_threads_tasks_wait_or_run_in_the_one_there_is(
    group: Group, monkeypatch: pytest.MonkeyPatch, *, first_starts: bool
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_one_at_a_time(thread: threading.Thread) -> None:
        if not first_starts or any(other.is_alive() for other in started):
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one_at_a_time)
    names = ["a", "b", "c"]
    assert group.run(dict.fromkeys(names, fine)) == dict.fromkeys(names, TaskStatus.SUCCESS)
    assert group.begun == names
    assert len(started) == (3 if first_starts else 0)


def test_exits_interrupts_and_odd_errors_are_failures_of_their_task(group: Group) -> None:
    class Odd(BaseException):
        pass

    def raising(error: BaseException) -> Function:
        def function(_self: Any, _ctx: Any) -> None:
            raise error

        return function

    errors = {"a": SystemExit(3), "b": KeyboardInterrupt(), "c": Odd(), "d": GeneratorExit()}
    statuses = group.run({name: raising(error) for name, error in errors.items()} | {"e": fine})
    assert statuses == dict.fromkeys(errors, TaskStatus.FAILED) | {"e": TaskStatus.SUCCESS}
    assert "SystemExit: 3" in str(group.results["a"].reason)


def test_no_thread_of_a_task_is_left(group: Group) -> None:
    group.run({f"t{number}": fine for number in range(20)})
    assert [one.name for one in threading.enumerate() if one.name.startswith("task t")] == []


CROWD = """\
import threading
from pathlib import Path

from utils.base_runner import BaseRunner
from utils.decorators import task


class Runner(BaseRunner):
    parallel_tasks = 32

    class StageOne(BaseRunner.StageOne):
        def start(self):
            return {"meeting": threading.Barrier(32, timeout=30)}


def meeting(name):
    @task(name=name, title=name)
    def meet(self, ctx):
        held = [bytearray(50_000) for _ in range(20)]
        ctx.base("meeting").wait()
        lines = Path("/proc/self/status").read_text().splitlines()
        (size,) = [line.split()[1] for line in lines if line.startswith("VmSize")]
        ctx.base("meeting").wait()
        return {"data": {"kilobytes": int(size), "held": len(held)}}


for number in range(32):
    meeting(f"t{number:02}")
"""


def test_many_threads_do_not_eat_up_the_address_space(
    run_child: Callable[..., Any], write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    child = run_child("sample", write_snapshot({"entry.py": CROWD}))
    assert {result["status"] for result in child.results.values()} == {"success"}
    assert max(result["data"]["kilobytes"] for result in child.results.values()) < 800 * 1024
