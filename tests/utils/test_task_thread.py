import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from utils.base_runner import BaseRunner
from utils.results import TaskStatus
from utils.task_context import JobView
from utils.task_run import TaskLimits, TaskRun
from utils.task_thread import STOP_SECONDS, TaskThread
from utils.tasks import DeclaredTask, TaskSpec, TaskType

SPEC = TaskSpec("a", "A", None, TaskType.COLLECTOR, None, 100, True, ())


def started(function: Callable[[Any, Any], Any]) -> tuple[TaskThread, SimpleQueue[TaskThread]]:
    task = DeclaredTask(SPEC, function, "a.py", 1)
    view = JobView({}, {}, {}, {"a": SPEC}, {}, frozenset())
    run = TaskRun(task, BaseRunner.StageTwo({}), view, TaskLimits(60, 10_000))
    ended: SimpleQueue[TaskThread] = SimpleQueue()
    thread = TaskThread(run, 60, ended.put)
    assert thread.start()
    return thread, ended


def test_its_end_is_told_with_its_result() -> None:
    names: list[str] = []

    def work(_self: Any, _ctx: Any) -> dict[str, Any]:
        names.append(threading.current_thread().name)
        return {"data": {}}

    thread, ended = started(work)
    assert ended.get(timeout=20) is thread
    assert thread.result is not None
    assert thread.result.status is TaskStatus.SUCCESS
    assert thread.is_gone()
    assert names == ["task a"]
    assert thread.look(thread.next_moment) is None


def test_it_is_told_to_stop_then_given_up() -> None:
    begun, gate = threading.Event(), threading.Lock()
    gate.acquire()

    def wait(_self: Any, _ctx: Any) -> None:
        begun.set()
        gate.acquire()

    thread, ended = started(wait)
    begun.wait()
    now = thread.next_moment
    assert now > time.monotonic()
    assert thread.look(now - 1) is None
    assert thread.look(now) is None
    assert thread.next_moment == now + STOP_SECONDS
    given_up = thread.look(now + STOP_SECONDS)
    assert given_up is not None
    assert given_up.status is TaskStatus.TIMEOUT
    assert "gate.acquire()" in given_up.errors[0]
    gate.release()
    assert ended.get(timeout=20) is thread


def test_async_task_is_woken_to_stop() -> None:
    begun, ends = threading.Event(), list[str]()

    async def work(_self: Any, _ctx: Any) -> None:
        begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            ends.append("cleaned up")

    thread, ended = started(work)
    begun.wait()
    thread.look(thread.next_moment)
    assert ended.get(timeout=20) is thread
    assert thread.result is not None
    assert thread.result.status is TaskStatus.TIMEOUT
    assert ends == ["cleaned up"]
