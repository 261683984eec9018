"""Leases whose worker fell silent: the job is tried again, and fails with its story in the end."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from api.endings import Ending, end_job_here
from api.events import Position, append_event, last_event, read_events
from api.facts import LeaseLost, note
from api.grace import Grace
from api.jobs import Job, JobStatus, job_from_row
from api.leases import hand_back
from api.tables import jobs

MOST_LOSSES = 3  # the third lost worker ends the job


def expire_leases(connection: Connection, now: datetime, grace: Grace) -> tuple[str, ...]:
    """Take jobs away from workers that fell silent; return the jobs' ids."""
    if not grace.over(now):
        return ()
    statement = (
        select(jobs)
        .where(jobs.c.status == JobStatus.RUNNING, jobs.c.lease_expires_at < now)
        .order_by(jobs.c.deployment_id, jobs.c.id)  # deployments are locked in this order
        .with_for_update(skip_locked=True)
    )
    silent = [job_from_row(row) for row in connection.execute(statement)]
    for job in silent:
        _lose(connection, job, now)
    return tuple(job.id for job in silent)


def _lose(connection: Connection, job: Job, now: datetime) -> None:
    note(connection, LeaseLost(job.id, job.integration, job.worker))
    if job.losses + 1 < MOST_LOSSES or job.cancel_requested:
        hand_back(connection, job, "lost", now, losses=1)
        return
    append_event(connection, job, "lost", now, {"worker": job.worker})
    error = _story(_lost_attempts(connection, job))
    ending = Ending(JobStatus.FAILED, error, now)
    end_job_here(connection, job, ending, losses=job.losses + 1)


def _lost_attempts(connection: Connection, job: Job) -> list[dict[str, Any]]:
    """Tell of each attempt that was lost: its worker and the last thing that it reported."""
    lost = read_events(connection, job.id, types=["lost"])
    return [
        {
            "attempt": event.position.attempt,
            "worker": event.payload["worker"],
            "lost_at": event.at.isoformat(),
            "last_event": _last_words(connection, job.id, event.position),
        }
        for event in lost
    ]


def _last_words(connection: Connection, job_id: str, before: Position) -> str | None:
    event = last_event(connection, job_id, before, unlike="output")
    if event is None:
        return None
    task = event.payload.get("task") or event.payload.get("result", {}).get("name")
    return f"{event.type} {task}" if task else event.type


def _story(attempts: list[dict[str, Any]]) -> dict[str, Any]:
    told = "; ".join(
        f"attempt {attempt['attempt']} on {attempt['worker']}, "
        f"last heard of: {attempt['last_event'] or 'nothing'}"
        for attempt in attempts
    )
    return {
        "reason": f"its worker was lost {len(attempts)} times: {told}",
        "advice": "look at what the last task named here does to its worker (memory, processes, "
        "signals) and at the worker's log, then ask for the job again",
        "attempts": attempts,
    }
