"""Ticks: due deployments become jobs, silent workers lose theirs, mutes run out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from api.cron import ScheduleError
from api.expiry import expire_leases
from api.grace import Grace
from api.jobs import JobStatus, Trigger, create_job
from api.kept_answers import forget_answers
from api.retries import next_retry_at
from api.schedules import next_due
from api.standing import DeploymentState
from api.tables import deployments, jobs
from api.violations import end_mutes
from utils.notes import Note


@dataclass(frozen=True)
class Tick:
    """What one tick did, and when the next deployment, or job that was put off, is due."""

    created: tuple[str, ...]
    expired: tuple[str, ...]
    next_due_at: datetime | None


def tick(connection: Connection, now: datetime, grace: Grace) -> Tick:
    """Do what is due at `now`; however many tick at once, each thing is done once."""
    expired = expire_leases(connection, now, grace)
    created = tuple(
        job_id for row in _due(connection, now) if (job_id := _start_due(connection, row, now))
    )
    end_mutes(connection, now)
    forget_answers(connection, now)
    moments = (_next_due_at(connection), next_retry_at(connection, now))
    return Tick(created, expired, min((it for it in moments if it), default=None))


def _due(connection: Connection, now: datetime) -> list[Row[Any]]:
    statement = (
        select(deployments)
        .where(
            deployments.c.next_due_at <= now,
            deployments.c.state == DeploymentState.ACTIVE,
            deployments.c.schedule.is_not(None),
        )
        .order_by(deployments.c.next_due_at, deployments.c.id)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(statement))


def _start_due(connection: Connection, deployment: Row[Any], now: datetime) -> str | None:
    """Make one job of all due times that have passed, unless one waits already."""
    try:
        following = next_due(deployment.schedule, deployment.timezone, now, deployment.created_at)
    except ScheduleError as error:
        _set_aside(connection, deployment, error)
        return None
    due_at: datetime = deployment.next_due_at
    if not _move_on(connection, deployment, following) or _has_job(connection, deployment):
        return None
    return create_job(connection, deployment, Trigger.SCHEDULE, now, due_at).id


def _move_on(connection: Connection, deployment: Row[Any], following: datetime) -> bool:
    """Set the next due time; False when another ticker did so meanwhile."""
    as_it_was = (
        deployments.c.id == deployment.id,
        deployments.c.next_due_at == deployment.next_due_at,
    )
    statement = update(deployments).where(*as_it_was).values(next_due_at=following)
    return connection.execute(statement).rowcount == 1


def _has_job(connection: Connection, deployment: Row[Any]) -> bool:
    """Whether a scheduled job waits already, or the due time had its job before a clock jumped."""
    waits = and_(jobs.c.status == JobStatus.PENDING, jobs.c.trigger == Trigger.SCHEDULE)
    statement = select(jobs.c.id).where(
        jobs.c.deployment_id == deployment.id,
        or_(waits, jobs.c.due_at == deployment.next_due_at),
    )
    return connection.execute(statement.limit(1)).first() is not None


def _set_aside(connection: Connection, deployment: Row[Any], error: ScheduleError) -> None:
    connection.execute(
        update(deployments)
        .where(deployments.c.id == deployment.id)
        .values(
            state=DeploymentState.NEEDS_ATTENTION,
            problem=Note.of(error).as_json(),
            next_due_at=None,
        )
    )


def _next_due_at(connection: Connection) -> datetime | None:
    statement = select(func.min(deployments.c.next_due_at)).where(
        deployments.c.state == DeploymentState.ACTIVE
    )
    due: datetime | None = connection.execute(statement).scalar()
    return due
