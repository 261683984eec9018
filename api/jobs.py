"""Jobs: their states, the one table of transitions between them, and their rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Update,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from api.facts import JobMoved, note, seconds_between
from api.listing import ALWAYS, EVERYBODY, Scope, Selection, Span, Split
from api.paging import Order
from api.problems import Conflict, NotFound
from api.tables import jobs
from utils.correlation import UNRELATED, Correlation


class JobStatus(StrEnum):
    """Where a job stands."""

    PENDING = "pending"  # waits for a worker
    RUNNING = "running"  # a worker holds its lease
    SUCCESS = "success"  # every task succeeded
    PARTIAL = "partial"  # some task did not
    FAILED = "failed"  # it could not be carried out
    CANCELLED = "cancelled"  # somebody ended it, or stopped its deployment before it began


class Trigger(StrEnum):
    """What made a job."""

    MANUAL = "manual"  # a request
    SCHEDULE = "schedule"  # its deployment's due time


_S = JobStatus
TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = MappingProxyType(
    {
        _S.PENDING: frozenset({_S.RUNNING, _S.FAILED, _S.CANCELLED}),
        _S.RUNNING: frozenset({_S.PENDING, _S.SUCCESS, _S.PARTIAL, _S.FAILED, _S.CANCELLED}),
        _S.SUCCESS: frozenset(),
        _S.PARTIAL: frozenset(),
        _S.FAILED: frozenset(),
        _S.CANCELLED: frozenset(),
    }
)
ENDED = frozenset(status for status, following in TRANSITIONS.items() if not following)


@dataclass(frozen=True)
class Job:
    """One job as its row has it."""

    id: str
    kind: str
    deployment_id: str
    deployment_name: str
    integration: str
    status: JobStatus
    commit: str | None
    attempt: int
    losses: int
    retries: int
    not_before: datetime | None
    trigger: str
    due_at: datetime | None
    worker: str | None
    isolation: str | None
    lease_token: str | None = field(repr=False)
    lease_owner: str | None
    lease_expires_at: datetime | None
    cancel_requested: bool
    error: Mapping[str, Any] | None
    summary: Mapping[str, Any] | None
    network: Mapping[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    request_id: str | None = None  # of the request that asked for it
    traceparent: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in ENDED


# Statements of every job are made once: SQLAlchemy then finds their SQL without building them.
_ONE = select(jobs).where(jobs.c.id == bindparam("job_id"))
_LOCKED = _ONE.with_for_update()
_SEVERAL_LOCKED = (
    select(jobs)
    .where(jobs.c.id.in_(bindparam("job_ids", expanding=True)))
    .order_by(jobs.c.id)
    .with_for_update()
)
_NEW = insert(jobs)
_COLUMNS = tuple(column.name for column in fields(Job))


def job_from_row(row: Row[Any]) -> Job:
    """Make a job of a whole row of `jobs`."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    return Job(**values | {"status": JobStatus(row.status)})


def read_job(connection: Connection, job_id: str) -> Job:
    """Read one job; raises NotFound."""
    return _job_of(connection, _ONE, job_id)


def lock_job(connection: Connection, job_id: str) -> Job:
    """Read one job that nobody else may change before this transaction ends."""
    return _job_of(connection, _LOCKED, job_id)


def lock_jobs(connection: Connection, job_ids: Collection[str]) -> dict[str, Job]:
    """Read those of the jobs that exist, locked until this transaction ends."""
    found = connection.execute(_SEVERAL_LOCKED, {"job_ids": list(job_ids)})
    return {row.id: job_from_row(row) for row in found}


@dataclass(frozen=True)
class WantedJobs:
    """Which jobs a list asks for; what is empty asks for all."""

    statuses: Collection[JobStatus] = ()
    scope: Scope = EVERYBODY
    span: Span = ALWAYS
    descending: bool = True


def listed_jobs(wanted: WantedJobs) -> Selection:
    """Return the jobs that a list asks for, by the time they were made."""
    statuses = Split(jobs.c.status, tuple(dict.fromkeys(wanted.statuses or JobStatus)))
    order = Order((jobs.c.created_at, jobs.c.id), wanted.descending)
    return Selection(jobs, (*wanted.scope.splits(jobs), statuses), order, wanted.span)


def is_due() -> ColumnElement[bool]:
    """Say that a job is not put off beyond the parameter `now`."""
    return or_(jobs.c.not_before.is_(None), jobs.c.not_before <= bindparam("now"))


def request_job(
    connection: Connection,
    deployment: Row[Any],
    now: datetime,
    asked: Correlation = UNRELATED,
) -> Job:
    """Make a job of a deployment, given by its row, because somebody asked for it.

    Raises Conflict where the deployment does not run.
    """
    if deployment.state != "active":
        raise _not_active(deployment)
    return create_job(connection, deployment, Trigger.MANUAL, now, asked=asked)


def create_job(
    connection: Connection,
    deployment: Row[Any],
    trigger: Trigger,
    now: datetime,
    due_at: datetime | None = None,
    *,
    asked: Correlation = UNRELATED,
) -> Job:
    """Make a pending scan of a deployment, given by its row."""
    job = Job(
        id=str(uuid4()),
        kind="scan",
        deployment_id=deployment.id,
        deployment_name=deployment.name,
        integration=deployment.integration,
        status=JobStatus.PENDING,
        commit=None,
        attempt=0,
        losses=0,
        retries=0,
        not_before=None,
        trigger=trigger,
        due_at=due_at,
        worker=None,
        isolation=None,
        lease_token=None,
        lease_owner=None,
        lease_expires_at=None,
        cancel_requested=False,
        error=None,
        summary=None,
        network=None,
        request_id=asked.request_id,
        traceparent=asked.traceparent,
        created_at=now,
        started_at=None,
        finished_at=None,
    )
    connection.execute(_NEW, {name: getattr(job, name) for name in _COLUMNS})
    return job


def move_job(connection: Connection, job: Job, status: JobStatus, **values: Any) -> None:
    """Change a job's status along the table of transitions; the only place that does.

    Raises Conflict when the table has no such transition or the job has moved meanwhile.
    """
    if status not in TRANSITIONS[job.status]:
        raise Conflict(
            f"job {job.id} is {job.status} and cannot become {status}",
            f"look at it again with GET /api/v1/jobs/{job.id}",
        )
    moved = connection.execute(
        _moving(tuple(values)),
        {"job_id": job.id, "from_status": job.status, "from_attempt": job.attempt}
        | {"to_status": status}
        | {f"to_{name}": value for name, value in values.items()},
    )
    if moved.rowcount != 1:
        raise Conflict(
            f"job {job.id} changed meanwhile", f"look at it again with GET /api/v1/jobs/{job.id}"
        )
    note(connection, _moved(job, status, values))


def _moved(job: Job, status: JobStatus, values: Mapping[str, Any]) -> JobMoved:
    finished_at: datetime | None = values.get("finished_at")
    started_at: datetime | None = values.get("started_at", job.started_at)
    return JobMoved(
        job_id=job.id,
        integration=job.integration,
        status=status,
        attempt=values.get("attempt", job.attempt),
        request_id=job.request_id,
        traceparent=job.traceparent,
        seconds=seconds_between(started_at, finished_at) if finished_at else None,
    )


@cache
def _moving(names: tuple[str, ...]) -> Update:
    """Return the statement that sets the status and these columns of a job that is as it was."""
    return (
        update(jobs)
        .where(
            jobs.c.id == bindparam("job_id"),
            jobs.c.status == bindparam("from_status"),
            jobs.c.attempt == bindparam("from_attempt"),
        )
        .values({name: bindparam(f"to_{name}") for name in ("status", *names)})
    )


def _job_of(connection: Connection, statement: Select[Any], job_id: str) -> Job:
    row = connection.execute(statement, {"job_id": job_id}).first()
    if row is None:
        raise NotFound(f"there is no job {job_id!r}", "GET /api/v1/jobs lists those there are")
    return job_from_row(row)


def _not_active(deployment: Row[Any]) -> Conflict:
    """Say why a deployment does not run; a pause without a problem is its user's wish."""
    address = f"/api/v1/deployments/{deployment.id}"
    problem = deployment.problem or {
        "reason": "somebody paused it",
        "advice": f'resume it with PATCH {address} {{"enabled": true}}',
    }
    stands = "is paused" if deployment.state == "paused" else "needs attention"
    return Conflict(
        f"deployment {deployment.name!r} {stands}: {problem['reason']}", problem["advice"]
    )
