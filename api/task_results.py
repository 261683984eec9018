"""Task results: what a worker may report of one, and their rows."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator
from sqlalchemy import Connection, bindparam, delete, func, select

from api.large_data import LargeData, discard_data, shown
from api.models import Body
from api.problems import NotFound
from api.recording import JsonText, insert_rows
from api.tables import task_results
from utils.integration_errors import Cause as Kind
from utils.results import TaskStatus, Verdict
from utils.tasks import Severity, TaskType

TaskName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
MOST_TASKS = 1_000
_NOT_STORED_TWICE = ("data", "resources", "errors", "logs", "partial")
_STATUSES = select(task_results.c.job_id, task_results.c.name, task_results.c.status).where(
    task_results.c.job_id.in_(bindparam("job_ids", expanding=True))
)
_COUNTS = (
    select(task_results.c.status, task_results.c.verdict, func.count())
    .where(task_results.c.job_id == bindparam("job_id"))
    .group_by(task_results.c.status, task_results.c.verdict)
)


class Resource(Body):
    """One resource that an insight found wrong."""

    id: str = Field(min_length=1, max_length=2_000)
    message: str | None = None
    severity: Severity | None = None
    data: dict[str, Any] | list[Any] | None = None


class Cause(Body):
    """Why another system could not be used: what the job acts on."""

    kind: Kind
    retry_after: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)


class TaskResult(Body):
    """One task's result as a worker reports it."""

    name: TaskName
    title: str = Field(max_length=2_000)
    type: TaskType
    status: TaskStatus
    verdict: Verdict | None = None
    severity: Severity | None = None
    message: str | None = None
    data: dict[str, Any] | list[Any] | None = None
    resources: list[Resource] | None = None
    errors: list[str] | None = None
    logs: list[str] = Field(default=[], max_length=10_000)
    duration_seconds: float = Field(ge=0, allow_inf_nan=False)
    reason: str | None = None
    partial: list[str] = Field(default=[], max_length=10_000)
    cause: Cause | None = None
    large_data: LargeData | None = None  # then `data` is null

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type is TaskType.INSIGHT:
            self._check_insight()
        elif self.verdict is not None or self.resources:
            raise ValueError(f"a {self.type} has neither a verdict nor resources")
        if self.large_data is not None and self.data is not None:
            raise ValueError("data is either here or large")
        if self.resources:
            ids = Counter(resource.id for resource in self.resources)
            if repeated := [id_ for id_, times in ids.items() if times > 1]:
                raise ValueError(f"resource id {repeated[0]!r} occurs more than once")
        return self

    def _check_insight(self) -> None:
        if self.verdict is None:
            raise ValueError("an insight has a verdict")
        if self.status is not TaskStatus.SUCCESS and self.verdict is not Verdict.UNKNOWN:
            raise ValueError(f"an insight whose status is {self.status} has the verdict unknown")
        if self.verdict is Verdict.PASS and self.resources:
            raise ValueError("an insight that passes lists no resources")


def shown_in_event(result: TaskResult) -> JsonText:
    """Return what the event of a finished task keeps; the rest stands in `task_results` alone."""
    return _dumped(result, exclude=set(_NOT_STORED_TWICE))


def result_row(job_id: str, attempt: int, position: int, result: TaskResult) -> dict[str, Any]:
    """Return the row that stores a result."""
    return {
        "job_id": job_id,
        "name": result.name,
        "position": position,
        "attempt": attempt,
        "type": result.type,
        "status": result.status,
        "verdict": result.verdict,
        "severity": result.severity,
        "duration_seconds": result.duration_seconds,
        "result": _dumped(result),
        "large_sha256": result.large_data and result.large_data.sha256,
    }


def insert_results(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new results, all at once."""
    insert_rows(connection, task_results, rows)


def task_statuses(connection: Connection, job_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the status of each task of each job that has a result."""
    found: dict[str, dict[str, str]] = {job_id: {} for job_id in job_ids}
    if found:
        for job_id, name, status in connection.execute(_STATUSES, {"job_ids": list(job_ids)}):
            found[job_id][name] = status
    return found


def read_results(connection: Connection, job_id: str) -> list[dict[str, Any]]:
    """Read a job's whole results in the order in which its tasks ended."""
    statement = (
        select(task_results.c.result)
        .where(task_results.c.job_id == job_id)
        .order_by(task_results.c.position)
    )
    return [shown(result, job_id) for result in connection.execute(statement).scalars()]


def read_result(connection: Connection, job_id: str, name: str) -> dict[str, Any]:
    """Read one task's result; raises NotFound where there is none."""
    statement = select(task_results.c.result).where(
        task_results.c.job_id == job_id, task_results.c.name == name
    )
    result: dict[str, Any] | None = connection.execute(statement).scalar()
    if result is None:
        raise NotFound(
            f"job {job_id} has no result of a task {name!r}",
            f"GET /api/v1/jobs/{job_id}/tasks lists those there are",
        )
    return result


def discard_results(connection: Connection, job_ids: Collection[str]) -> None:
    """Remove the results of earlier attempts."""
    if not job_ids:
        return
    discard_data(connection, job_ids)
    connection.execute(delete(task_results).where(task_results.c.job_id.in_(job_ids)))


def count_results(connection: Connection, job_id: str) -> dict[str, dict[str, int]]:
    """Count a job's results by status and its insights by verdict."""
    tasks = dict.fromkeys(map(str, TaskStatus), 0)
    verdicts = dict.fromkeys(map(str, Verdict), 0)
    for status, verdict, number in connection.execute(_COUNTS, {"job_id": job_id}):
        tasks[status] += number
        if verdict is not None:
            verdicts[verdict] += number
    return {"tasks": tasks, "verdicts": verdicts}


def _dumped(result: TaskResult, exclude: set[str] | None = None) -> JsonText:
    left_out = (exclude or set()) | ({"large_data"} if result.large_data is None else set())
    return JsonText(result.model_dump_json(exclude=left_out))
