"""What the end of a deployment means for its jobs and violations."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from api.endings import DEPLOYMENT_DELETED, Ending, end_job_here
from api.jobs import JobStatus, job_from_row
from api.problems import Conflict
from api.tables import jobs, verdicts, violations
from api.verdicts import ACTIVE, ViolationStatus

NOTE = "resolved because its deployment was deleted"


def retire(connection: Connection, deployment: Row[Any], now: datetime) -> tuple[str, ...]:
    """Cancel the waiting jobs and resolve the violations; returns the jobs cancelled.

    Raises Conflict while a job runs. All jobs stay as history.
    """
    cancelled = _cancel_waiting(connection, deployment, now)
    _check_idle(connection, deployment)
    connection.execute(delete(verdicts).where(verdicts.c.deployment_id == deployment.id))
    connection.execute(
        update(violations)
        .where(violations.c.deployment_id == deployment.id, violations.c.status.in_(ACTIVE))
        .values(status=ViolationStatus.RESOLVED, resolved_at=now, note=NOTE, muted_until=None)
    )
    return cancelled


def _cancel_waiting(connection: Connection, deployment: Row[Any], now: datetime) -> tuple[str, ...]:
    waiting = (
        select(jobs)
        .where(jobs.c.deployment_id == deployment.id, jobs.c.status == JobStatus.PENDING)
        .with_for_update()
    )
    found = [job_from_row(row) for row in connection.execute(waiting)]
    for job in found:
        end_job_here(connection, job, Ending(JobStatus.CANCELLED, DEPLOYMENT_DELETED, now))
    return tuple(job.id for job in found)


def _check_idle(connection: Connection, deployment: Row[Any]) -> None:
    running = select(jobs.c.id).where(
        jobs.c.deployment_id == deployment.id, jobs.c.status == JobStatus.RUNNING
    )
    job_id = connection.execute(running.limit(1)).scalar()
    if job_id is not None:
        raise Conflict(
            f"job {job_id} of deployment {deployment.name!r} is running",
            f"wait for its end, or POST /api/v1/jobs/{job_id}/cancel, and delete again",
        )
