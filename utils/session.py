"""One job in its child process: StageOne, then each task in order, every step reported."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from utils.base_runner import BaseRunner
from utils.errors import AuthoringError
from utils.events import Channel
from utils.findings import OpenData
from utils.jsonable import shown_kind
from utils.loader import load_runner
from utils.plugin_call import CallEnd, call_plugin, settled
from utils.results import TaskResult, TaskStatus, unrun_result
from utils.spool import Spool
from utils.suggest import did_you_mean
from utils.task_context import BoundedLines, JobView, OnDemand
from utils.task_groups import task_groups, tasks_beside
from utils.task_lines import lines_to
from utils.task_registry import registered_tasks
from utils.task_run import TaskLimits, TaskRun, copied, skipped, unmet_dependency
from utils.tasks import DeclaredTask, TaskSpec, TaskType


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
    alone: Sequence[str] = ()  # tasks that run with nothing beside them, whatever the Runner says
    request_id: str = ""  # of the request that asked for the job; empty: none did
    traceparent: str = ""
    with_needed: bool = False  # `only`, and what these tasks need
    exchanges: Mapping[str, Any] | None = None  # to record or to replay; see utils.exchange_play
    line: int | None = None  # the descriptor of the child's line to what jobs share
    debug: bool = False  # whether DEBUG lines are kept too


def run_session(spec: ChildSpec, channel: Channel, loaded: type[BaseRunner] | None = None) -> None:
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
    plan = [task.spec._asdict() for task in tasks]
    channel.send({"type": "plan", "tasks": plan, "parallel_tasks": runner.parallel_tasks})
    if spec.mode == "describe":
        return
    if _Session(spec, runner, channel).run(tasks):
        channel.send({"type": "finished"})


def _loaded_tasks(
    spec: ChildSpec, loaded: type[BaseRunner] | None
) -> tuple[type[BaseRunner], list[DeclaredTask]]:
    runner = loaded or load_runner(spec.integration)
    tasks = registered_tasks(runner)
    if spec.mode == "describe":
        return runner, list(tasks)
    return runner, _planned(tasks, spec.only, with_needed=spec.with_needed)


def _planned(
    tasks: Sequence[DeclaredTask], only: Sequence[str] | None, *, with_needed: bool = False
) -> list[DeclaredTask]:
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
    if only and with_needed:
        from utils.needed_tasks import needed_tasks  # noqa: PLC0415 - only in local runs

        specs = {task.spec.name: task.spec for task in tasks}
        only = [needed for name in only for needed in needed_tasks(name, specs)]
    return [task for name, task in planned.items() if only is None or name in only]


class _Started(NamedTuple):
    view: JobView
    stage_two: Any


class _Session:
    """One run of an integration's tasks."""

    def __init__(self, spec: ChildSpec, runner: type[BaseRunner], channel: Channel) -> None:
        self._spec = spec
        self._runner = runner
        self._channel = channel
        self._spool = Spool(spec.spool)
        self._lines = BoundedLines()
        self._tools = OnDemand(spec.line, debug=spec.debug)
        self._limits = TaskLimits(spec.task_timeout_seconds, spec.result_limit_bytes)
        # One after another, an exchange belongs to the task that runs.
        self._most = 1 if spec.exchanges else runner.parallel_tasks
        self._specs = {task.spec.name: task.spec for task in registered_tasks(runner)}
        self._results: dict[str, TaskResult] = {}  # of this job's tasks, as they end

    def run(self, tasks: list[DeclaredTask]) -> bool:
        """Run and report the tasks; False when what is left is for another process of this job."""
        self._results.update(self._restored_results())
        left = [task for task in tasks if task.spec.name not in self._results]
        stage_one = call_plugin("StageOne", self._started, self._limits.timeout_seconds)
        self._report_stage_one(stage_one)
        if stage_one.failure:
            reason = f"StageOne did not succeed: {stage_one.failure.reason}"
            for task in left:
                self._report(skipped(task.spec, reason))
            return True
        groups = task_groups(left, self._most, self._spec.alone)
        return all(self._run_group(group, stage_one.value) for group in groups)

    def _run_group(self, group: list[DeclaredTask], started: _Started) -> bool:
        """Run tasks that may run at once; False when one of them runs on for good."""
        if len(group) == 1:
            run = self._begin(group[0], started)
            if run is not None:
                self._report(run.run())
                self._tell_reads(run)
            return True
        from utils.side_by_side import SideBySide, Steps  # noqa: PLC0415 - threads, only if asked for

        steps = Steps(lambda task: self._begin(task, started), self._report)
        return SideBySide(steps, self._most, self._limits.timeout_seconds).run(group)

    def _begin(self, task: DeclaredTask, started: _Started) -> TaskRun | None:
        """Report that a task begins and return its run; None when it cannot, which is reported."""
        view = self._view_of(task.spec, started.view)
        unmet = unmet_dependency(task.spec, view)
        if unmet:
            self._report(skipped(task.spec, unmet))
            return None
        self._channel.send({"type": "task_started", "task": task.spec.name})
        return TaskRun(task, started.stage_two, view, self._limits, self._open_data(task.spec.name))

    def _tell_reads(self, run: TaskRun) -> None:
        if self._spec.exchanges:
            reads = {"task": run.spec.name, "reads": run.reads()}
            self._channel.send({"type": "reads", **reads})

    def _view_of(self, spec: TaskSpec, view: JobView) -> JobView:
        if self._most == 1:
            return view
        # What a task sees must not depend on which of those beside it happened to end first.
        beside = tasks_beside(spec, self._specs)
        seen = {name: result for name, result in self._results.items() if name not in beside}
        return view._replace(results=seen, beside=beside)

    def _open_data(self, task: str) -> OpenData | None:
        """Return what makes a file for a task's large data; the worker reads it while it grows.

        Not where tasks run side by side: all reports come from one thread, and theirs is another.
        """

        def announce(number: int, size_bytes: int) -> None:
            if self._most > 1:
                return
            written = {"task": task, "file": number, "size_bytes": size_bytes}
            self._channel.send({"type": "data_written", **written})

        return (lambda: self._spool.open_data(announce)) if self._spec.spool else None

    def _started(self) -> _Started:
        """Make the Runner and run its StageOne: the plugin's code, so its failure is StageOne's."""
        runner = self._runner(copied(self._spec.config))
        config = getattr(runner, "config", self._spec.config)
        stage_one = runner.StageOne(copied(config))
        stage_one.lines = self._lines
        stage_one.shared = self._tools
        runner.source = stage_one.source = dict(self._spec.source)
        with lines_to(self._lines.add, debug=self._spec.debug):
            base = settled(stage_one.start())
        if not isinstance(base, Mapping):
            raise AuthoringError(
                f"StageOne.start() returned {shown_kind(base)}, expected a dict",
                "return what tasks read through ctx.base(), or {} when there is nothing",
            )
        stage_two = runner.StageTwo(copied(config))
        stage_two.source = dict(self._spec.source)
        view = JobView(
            config,
            self._spec.source,
            base,
            self._specs,
            self._results,
            tools=self._tools,
            mention=self._channel.mention,
            request_id=self._spec.request_id,
            traceparent=self._spec.traceparent,
        )
        return _Started(view, stage_two)

    def _restored_results(self) -> dict[str, TaskResult]:
        if not self._spec.resume:
            return {}
        kept = self._spool.results()
        lost = "it ended with an earlier process of this job"
        return {
            name: kept.get(name) or unrun_result(self._specs[name], lost, TaskStatus.FAILED)
            for name in self._spec.done
            if name in self._specs
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
        self._results[result.name] = result
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
