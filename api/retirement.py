"""What the end of a deployment means for its jobs and violations."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from api.endings import DEPLOYMENT_DELETED, end_waiting
from api.jobs import JobStatus
from api.problems import Conflict
from api.tables import jobs, verdicts, violations
from api.verdicts import ACTIVE, ViolationStatus
from api.violation_events import ViolationChanges, tell_of

NOTE = "resolved because its deployment was deleted"


def retire(connection: Connection, deployment: Row[Any], now: datetime) -> tuple[str, ...]:
    """Cancel the waiting jobs and resolve the violations; returns the jobs cancelled.

    Raises Conflict while a job runs. All jobs stay as history.
    """
    cancelled = end_waiting(connection, deployment.id, DEPLOYMENT_DELETED, now)
    _check_idle(connection, deployment)
    connection.execute(delete(verdicts).where(verdicts.c.deployment_id == deployment.id))
    _resolve_violations(connection, deployment, now)
    return cancelled


def _resolve_violations(connection: Connection, deployment: Row[Any], now: datetime) -> None:
    active = (violations.c.deployment_id == deployment.id, violations.c.status.in_(ACTIVE))
    muted = (violations.c.id, violations.c.status == ViolationStatus.MUTED)
    told = [
        id_ for id_, is_muted in connection.execute(select(*muted).where(*active)) if not is_muted
    ]
    resolved = {"status": ViolationStatus.RESOLVED, "resolved_at": now}
    values = resolved | {"note": NOTE, "muted_until": None}
    connection.execute(update(violations).where(*active).values(values))
    tell_of(connection, ViolationChanges(resolved=tuple(told)), now)


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
