"""What came of a task: its result as it is recorded and sent, and the rules of its verdict."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from utils.data_file import LargeData, data_path
from utils.tasks import Severity, TaskSpec, TaskType

NOTHING = "null"


class TaskStatus(StrEnum):
    """How the run of a task ended."""

    SUCCESS = "success"  # it returned what its type returns
    FAILED = "failed"  # it raised, or returned something else
    SKIPPED = "skipped"  # it never started: what it needs did not succeed
    TIMEOUT = "timeout"  # it was stopped at its deadline


class Verdict(StrEnum):
    """What an insight found."""

    PASS = "pass"  # noqa: S105 - the word for "no violation"
    FAIL = "fail"  # a violation
    UNKNOWN = "unknown"  # it could not tell; touches no violation


class TaskResult(NamedTuple):
    """One task's result; `data` and `resources` are JSON text, so readers can never change them.

    Where there is `large` data, `data` is null.
    """

    name: str
    title: str
    type: TaskType
    status: TaskStatus
    verdict: Verdict | None
    severity: Severity | None
    message: str | None
    data: str
    resources: str
    errors: tuple[str, ...]
    logs: tuple[str, ...]
    duration_seconds: float
    reason: str | None
    partial: tuple[str, ...]
    cause: Mapping[str, Any] | None = None  # of an integration's error, with `retry_after`
    large: LargeData | None = None

    @property
    def succeeded(self) -> bool:
        """Whether readers get its data."""
        return self.status is TaskStatus.SUCCESS

    def as_json(self) -> str:
        """Return the object that spool and events carry; `errors` is null when there are none."""
        fields = self._asdict() | {"errors": self.errors or None}
        large = fields.pop("large")
        if large is not None:
            fields["large"] = {"file": large.number, "size_bytes": large.size_bytes}
        values = {name: _dumped(value) for name, value in fields.items()}
        values |= {"data": self.data, "resources": self.resources}
        return "{" + ",".join(f'"{name}":{value}' for name, value in values.items()) + "}"


def parsed_result(fields: Mapping[str, Any], spool: str) -> TaskResult:
    """Return the result that `as_json` wrote, from its parsed form, read from `spool`."""
    large = fields.get("large")
    return TaskResult(
        name=fields["name"],
        title=fields["title"],
        type=TaskType(fields["type"]),
        status=TaskStatus(fields["status"]),
        verdict=Verdict(fields["verdict"]) if fields["verdict"] else None,
        severity=Severity(fields["severity"]) if fields["severity"] else None,
        message=fields["message"],
        data=_dumped(fields["data"]),
        resources=_dumped(fields["resources"]),
        errors=tuple(fields["errors"] or ()),
        logs=tuple(fields["logs"]),
        duration_seconds=fields["duration_seconds"],
        reason=fields["reason"],
        partial=tuple(fields["partial"]),
        cause=fields.get("cause"),
        large=large
        and LargeData(data_path(spool, large["file"]), large["file"], large["size_bytes"]),
    )


def unrun_result(spec: TaskSpec, reason: str, status: TaskStatus) -> TaskResult:
    """Return the result of a task that left none of its own: skipped, or lost with its process."""
    return TaskResult(
        name=spec.name,
        title=spec.title,
        type=spec.type,
        status=status,
        verdict=Verdict.UNKNOWN if spec.type is TaskType.INSIGHT else None,
        severity=spec.severity,
        message=None,
        data=NOTHING,
        resources=NOTHING,
        errors=() if status is TaskStatus.SKIPPED else (reason,),
        logs=(),
        duration_seconds=0.0,
        reason=reason,
        partial=(),
    )


class Evidence(NamedTuple):
    """What a verdict rests on, beside what the insight returned."""

    partial: tuple[str, ...]  # why something is missing in what was read
    failed_reads: tuple[str, ...]  # tasks read although they had not succeeded, and not handled


def verdict_of(kind: TaskType, *, violation: bool, evidence: Evidence) -> Verdict | None:
    """Return the verdict of a task that succeeded.

    An insight that read a task that had not succeeded knows nothing. On partial data a violation
    is one all the same, but finding none proves nothing.
    """
    if kind is not TaskType.INSIGHT:
        return None
    if evidence.failed_reads:
        return Verdict.UNKNOWN
    if violation:
        return Verdict.FAIL
    return Verdict.UNKNOWN if evidence.partial else Verdict.PASS


def reservation(evidence: Evidence) -> str | None:
    """Return one sentence why a task that succeeded is no plain success, or None."""
    if evidence.failed_reads:
        names = ", ".join(repr(name) for name in evidence.failed_reads)
        return f"it read {names} without success there; check ctx.succeeded() first"
    if evidence.partial:
        return f"it rests on partial data: {evidence.partial[0]}"
    return None


def partial_reasons(evidence: Evidence) -> tuple[str, ...]:
    """Return why the task's own data is incomplete, for those who read it."""
    missing = (f"task {name!r} did not succeed" for name in evidence.failed_reads)
    return (*evidence.partial, *missing)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
