"""Runs tasks of one group in threads of this process; all reports come from the calling thread."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from utils.results import TaskResult
from utils.routed_output import RoutedOutput
from utils.task_run import TaskRun
from utils.task_thread import TaskThread
from utils.tasks import DeclaredTask

_M_ARENA_MAX = -8


class Steps(NamedTuple):
    """What its caller does with a task."""

    begin: Callable[[DeclaredTask], TaskRun | None]  # None: it was reported, there is nothing to do
    report: Callable[[TaskResult], None]


class SideBySide:
    """One group: at most `most` of its tasks run at once, each after those that it depends on."""

    def __init__(self, steps: Steps, most: int, timeout_seconds: float) -> None:
        self._steps = steps
        self._most = most
        self._timeout_seconds = timeout_seconds
        self._output = RoutedOutput()
        self._ended: SimpleQueue[TaskThread] = SimpleQueue()
        self._running: dict[str, TaskThread] = {}
        self._open: set[str] = set()  # without a result
        self._is_sound = True  # False: something runs on that cannot be stopped

    def run(self, tasks: Iterable[DeclaredTask]) -> bool:
        """Run the tasks; False when the rest of the job is for another process.

        That is so when a task did not stop at its deadline. It is reported, those beside it run to
        their ends, and nothing else is begun.
        """
        waiting = list(tasks)
        self._open = {task.spec.name for task in waiting}
        _share_heaps()
        with self._output:
            while self._running or (waiting and self._is_sound):
                self._begin_ready(waiting)
                self._take_turn()
        return self._is_sound

    def _begin_ready(self, waiting: list[DeclaredTask]) -> None:
        for task in tuple(waiting):
            if len(self._running) >= self._most or not self._is_sound:
                return
            if self._open.isdisjoint(task.spec.depends_on):
                waiting.remove(task)
                self._begin(task)

    def _begin(self, task: DeclaredTask) -> None:
        run = self._steps.begin(task)
        if run is None:
            self._open.discard(task.spec.name)
            return
        while not self._start_thread(run):
            if not self._running:
                self._close(run.spec.name, run.run())
                return
            self._take_turn()

    def _start_thread(self, run: TaskRun) -> bool:
        thread = TaskThread(run, self._timeout_seconds, self._ended.put)
        with self._output.marked(thread.name):
            started = thread.start()
        if started:
            self._running[thread.name] = thread
        return started

    def _take_turn(self) -> None:
        """Wait for a task to end or to reach its deadline, and deal with it."""
        if not self._running:
            return
        moment = min(thread.next_moment for thread in self._running.values())
        with suppress(Empty):
            self._take(self._ended.get(timeout=max(0.0, moment - time.monotonic())))
        now = time.monotonic()
        for thread in tuple(self._running.values()):
            given_up = thread.look(now)
            if given_up is not None:
                self._is_sound = False
                self._close(thread.name, given_up)

    def _take(self, thread: TaskThread) -> None:
        if self._running.get(thread.name) is not thread:
            return  # it was given up, and has ended after all
        if thread.result is None:
            raise RuntimeError(f"task {thread.name!r} has no result: see what its thread printed")
        self._is_sound = thread.is_gone() and self._is_sound
        self._close(thread.name, thread.result)

    def _close(self, name: str, result: TaskResult) -> None:
        self._running.pop(name, None)
        self._open.discard(name)
        self._output.end_line(name)
        self._steps.report(result)


def _share_heaps() -> None:
    """Let threads share two heaps: glibc sets 64 MB of the address space aside for each one more.

    A job's address space is limited; 32 threads took 1.2 GB of it, and take 0.4 GB so.
    """
    with suppress(ImportError, OSError, AttributeError):  # another C library has other habits
        import ctypes  # noqa: PLC0415 - 4 ms, only where tasks run side by side

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
