"""Runs one task: whether it may start, its call, and the result that comes of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from utils.findings import Finding, OpenData, checked_finding
from utils.plugin_call import CallEnd, call_plugin, settled
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


def run_task(
    task: DeclaredTask,
    stage_two: Any,
    view: JobView,
    limits: TaskLimits,
    open_data: OpenData | None = None,
) -> TaskResult:
    """Run a task whose dependencies have succeeded, and return its result.

    `open_data` gives a file for data that is too large for an event.
    """
    spec = task.spec
    config = copied(view.config)
    stage_two.config = config
    ctx = TaskContext(spec.name, view, config)
    for name in spec.depends_on:
        ctx.note_dependency(name)

    def call() -> Finding:
        returned = settled(task.function(stage_two, ctx))
        return checked_finding(returned, spec.type, limits.result_bytes, open_data)

    return _result(spec, ctx, call_plugin("the task", call, limits.timeout_seconds))


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
        large=finding.large,
    )
