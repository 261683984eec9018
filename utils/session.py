"""One job in its child process: StageOne, then each task in order, every step reported."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from utils.base_runner import BaseRunner
from utils.errors import AuthoringError
from utils.events import EventChannel
from utils.findings import OpenData
from utils.jsonable import shown_kind
from utils.loader import load_runner
from utils.plugin_call import CallEnd, call_plugin, settled
from utils.results import TaskResult, TaskStatus, unrun_result
from utils.spool import Spool
from utils.suggest import did_you_mean
from utils.task_context import BoundedLines, JobView
from utils.task_registry import registered_tasks
from utils.task_run import TaskLimits, copied, run_task, skipped, unmet_dependency
from utils.tasks import DeclaredTask, TaskType


class ChildSpec(NamedTuple):
    """What the worker orders from a child."""

    mode: str  # "run" or "describe"
    integration: str
    snapshot: str
    config: Mapping[str, Any]
    job_id: str
    attempt: int
    source: Mapping[str, Any]
    task_timeout_seconds: float
    result_limit_bytes: int
    only: Sequence[str] | None = None
    spool: str = ""  # file of the job's results; empty: none is kept
    resume: bool = False
    done: Sequence[str] = ()


def run_session(
    spec: ChildSpec, channel: EventChannel, loaded: type[BaseRunner] | None = None
) -> None:
    """Report the integration's tasks and, in mode `run`, run them and report what came.

    Its Runner is imported first, unless it is `loaded` already.
    """
    found = call_plugin(
        f"importing integrations/{spec.integration}",
        lambda: _loaded_tasks(spec, loaded),
        spec.task_timeout_seconds,
    )
    if found.failure:
        channel.send({"type": "broken", "error": found.failure.as_error()})
        return
    runner, tasks = found.value
    channel.send({"type": "plan", "tasks": [task.spec._asdict() for task in tasks]})
    if spec.mode == "describe":
        return
    _Session(spec, runner, channel).run(tasks)
    channel.send({"type": "finished"})


def _loaded_tasks(
    spec: ChildSpec, loaded: type[BaseRunner] | None
) -> tuple[type[BaseRunner], list[DeclaredTask]]:
    runner = loaded or load_runner(spec.integration)
    tasks = registered_tasks(runner)
    if spec.mode == "describe":
        return runner, list(tasks)
    return runner, _planned(tasks, spec.only)


def _planned(tasks: Iterable[DeclaredTask], only: Sequence[str] | None) -> list[DeclaredTask]:
    """Choose what a scan runs: reconcilers change things, so a scan leaves them alone."""
    planned = {
        task.spec.name: task
        for task in tasks
        if task.spec.enabled and task.spec.type is not TaskType.RECONCILER
    }
    for name in only or ():
        if name not in planned:
            raise AuthoringError(
                f"no enabled collector or insight is named {name!r}{did_you_mean(name, planned)}",
                f"the tasks that can run are {', '.join(planned)}",
            )
    return [task for name, task in planned.items() if only is None or name in only]


class _Started(NamedTuple):
    base: Mapping[str, Any]
    config: Mapping[str, Any]
    stage_two: Any


class _Session:
    """One run of an integration's tasks."""

    def __init__(self, spec: ChildSpec, runner: type[BaseRunner], channel: EventChannel) -> None:
        self._spec = spec
        self._runner = runner
        self._channel = channel
        self._spool = Spool(spec.spool)
        self._lines = BoundedLines()
        self._limits = TaskLimits(spec.task_timeout_seconds, spec.result_limit_bytes)

    def run(self, tasks: list[DeclaredTask]) -> None:
        results = self._restored_results()
        left = [task for task in tasks if task.spec.name not in results]
        stage_one = call_plugin("StageOne", self._started, self._limits.timeout_seconds)
        self._report_stage_one(stage_one)
        if stage_one.failure:
            reason = f"StageOne did not succeed: {stage_one.failure.reason}"
            for task in left:
                self._report(skipped(task.spec, reason))
            return
        self._run_tasks(left, stage_one.value, results)

    def _run_tasks(
        self, tasks: list[DeclaredTask], started: _Started, results: dict[str, TaskResult]
    ) -> None:
        specs = {task.spec.name: task.spec for task in registered_tasks(self._runner)}
        view = JobView(started.config, self._spec.source, started.base, specs, results)
        for task in tasks:
            unmet = unmet_dependency(task.spec, view)
            if unmet:
                result = skipped(task.spec, unmet)
            else:
                self._channel.send({"type": "task_started", "task": task.spec.name})
                open_data = self._open_data(task.spec.name)
                result = run_task(task, started.stage_two, view, self._limits, open_data)
            results[task.spec.name] = result
            self._report(result)

    def _open_data(self, task: str) -> OpenData | None:
        """Return what makes a file for a task's large data; the worker reads it while it grows."""

        def announce(number: int, size_bytes: int) -> None:
            written = {"task": task, "file": number, "size_bytes": size_bytes}
            self._channel.send({"type": "data_written", **written})

        return (lambda: self._spool.open_data(announce)) if self._spec.spool else None

    def _started(self) -> _Started:
        """Make the Runner and run its StageOne: the plugin's code, so its failure is StageOne's."""
        runner = self._runner(copied(self._spec.config))
        config = getattr(runner, "config", self._spec.config)
        stage_one = runner.StageOne(copied(config))
        stage_one.lines = self._lines
        runner.source = stage_one.source = dict(self._spec.source)
        base = settled(stage_one.start())
        if not isinstance(base, Mapping):
            raise AuthoringError(
                f"StageOne.start() returned {shown_kind(base)}, expected a dict",
                "return what tasks read through ctx.base(), or {} when there is nothing",
            )
        stage_two = runner.StageTwo(copied(config))
        stage_two.source = dict(self._spec.source)
        return _Started(base, config, stage_two)

    def _restored_results(self) -> dict[str, TaskResult]:
        if not self._spec.resume:
            return {}
        kept = self._spool.results()
        specs = {task.spec.name: task.spec for task in registered_tasks(self._runner)}
        lost = "it ended with an earlier process of this job"
        return {
            name: kept.get(name) or unrun_result(specs[name], lost, TaskStatus.FAILED)
            for name in self._spec.done
            if name in specs
        }

    def _report_stage_one(self, end: CallEnd) -> None:
        flush_output()
        status = TaskStatus.SUCCESS
        if end.failure:
            status = TaskStatus.TIMEOUT if end.timed_out else TaskStatus.FAILED
        self._channel.send(
            {
                "type": "stage_one",
                "status": status,
                "duration_seconds": end.duration_seconds,
                "error": end.failure.as_error() if end.failure else None,
                "logs": self._lines.kept(),
            }
        )

    def _report(self, result: TaskResult) -> None:
        flush_output()
        line = result.as_json()
        if self._spec.spool:
            self._spool.append(line)
        self._channel.send_result(line)


def flush_output() -> None:
    """Let what was printed leave before what follows it; a plugin may have closed the streams."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
