"""Runs one task: whether it may start, its call, and the result that comes of it."""

from collections.abc import Mapping
from types import FrameType
from typing import Any, NamedTuple

from utils.deadline import Within, call_within
from utils.findings import Finding, OpenData, checked_finding
from utils.plugin_call import CallEnd, call_given_up, call_plugin, settled
from utils.results import (
    NOTHING,
    TaskResult,
    TaskStatus,
    Verdict,
    partial_reasons,
    reservation,
    unrun_result,
    verdict_of,
)
from utils.task_context import JobView, TaskContext
from utils.task_lines import lines_to
from utils.tasks import DeclaredTask, TaskSpec, TaskType


class TaskLimits(NamedTuple):
    """What one task may take."""

    timeout_seconds: float
    result_bytes: int


def unmet_dependency(spec: TaskSpec, view: JobView) -> str | None:
    """Return one sentence why the task cannot start, or None."""
    for name in spec.depends_on:
        result = view.results.get(name)
        if result is None:
            state = "is not part of this run" if view.specs[name].enabled else "is disabled"
            return f"it depends on {name!r}, which {state}"
        if not result.succeeded:
            return f"it depends on {name!r}, which did not succeed ({result.status})"
    return None


class TaskRun:
    """One run of a task whose dependencies have succeeded.

    `open_data` gives a file for data that is too large for an event.
    """

    def __init__(
        self,
        task: DeclaredTask,
        stage_two: Any,
        view: JobView,
        limits: TaskLimits,
        open_data: OpenData | None = None,
    ) -> None:
        self.spec = task.spec
        self.loop: Any = None  # the event loop of an async task, once it runs
        self._function = task.function
        self._stage_two = stage_two
        self._view = view
        self._limits = limits
        self._open_data = open_data
        self._ctx = TaskContext(self.spec.name, view, copied(view.config))
        for name in self.spec.depends_on:
            self._ctx.note_dependency(name)

    def run(self, within: Within = call_within) -> TaskResult:
        """Call the task in this thread, with its deadline kept by `within`."""
        return self._result(
            call_plugin("the task", self._call, self._limits.timeout_seconds, within)
        )

    def reads(self) -> list[str]:
        """Return the tasks whose outcome it has asked for."""
        return self._ctx.reads()

    def given_up(self, frame: FrameType | None, seconds: float) -> TaskResult:
        """Return the result where the call, which stands in `frame`, is not waited for."""
        failure = call_given_up("the task", frame, self._limits.timeout_seconds)
        return self._result(CallEnd(None, failure, timed_out=True, duration_seconds=seconds))

    def _call(self) -> Finding:
        stage_two = self._own_stage_two()
        stage_two.config = self._ctx.config
        self._ctx.note_begin()
        with lines_to(self._ctx.add_log, debug=self._view.keeps_debug):
            returned = settled(self._function(stage_two, self._ctx), self._note_loop)
        limit_bytes = self._limits.result_bytes
        return checked_finding(returned, self.spec.type, limit_bytes, self._open_data)

    def _own_stage_two(self) -> Any:
        if self._view.beside is None:
            return self._stage_two
        from copy import copy  # noqa: PLC0415 - only where tasks may run side by side

        return copy(self._stage_two)

    def _note_loop(self, loop: Any) -> None:
        self.loop = loop

    def _result(self, end: CallEnd) -> TaskResult:
        return _result(self.spec, self._ctx, end)


def skipped(spec: TaskSpec, reason: str) -> TaskResult:
    """Return the result of a task that cannot start."""
    return unrun_result(spec, reason, TaskStatus.SKIPPED)


def copied(value: Any) -> Any:
    """Copy dicts and lists all the way down; other values are shared."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def _result(spec: TaskSpec, ctx: TaskContext, end: CallEnd) -> TaskResult:
    errors, logs = ctx.noted()
    evidence = ctx.evidence()
    finding: Finding = end.value or Finding(NOTHING, None, violation=False, resources=NOTHING)
    verdict = verdict_of(spec.type, violation=finding.violation, evidence=evidence)
    status, reason = TaskStatus.SUCCESS, reservation(evidence)
    if end.failure:
        status = TaskStatus.TIMEOUT if end.timed_out else TaskStatus.FAILED
        verdict = Verdict.UNKNOWN if spec.type is TaskType.INSIGHT else None
        errors, reason = (*errors, end.failure.text), end.failure.reason
    return TaskResult(
        name=spec.name,
        title=spec.title,
        type=spec.type,
        status=status,
        verdict=verdict,
        severity=spec.severity,
        message=finding.message,
        data=finding.data,
        resources=finding.resources,
        errors=errors,
        logs=logs,
        duration_seconds=end.duration_seconds,
        reason=reason,
        partial=partial_reasons(evidence),
        cause=end.failure.cause if end.failure else None,
        large=finding.large,
    )
