"""How a job ends, whatever ends it: status, summary, history and verdicts in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from api.events import append_event
from api.folding import Folded, fold_verdicts
from api.happenings import Happening, job_finished
from api.jobs import Job, JobStatus, job_from_row, lock_job, move_job, read_job
from api.large_data import discard_unused_data
from api.problems import Conflict
from api.tables import jobs
from api.task_results import count_results
from api.telling import tell
from api.violation_events import violation_events
from utils.notes import Note

CANCELLED_EARLY = Note(
    "the job was cancelled before a worker had carried it out",
    "ask for another job of the deployment when you want one",
).as_json()
DEPLOYMENT_DELETED = Note(
    "the job's deployment was deleted before a worker had the job",
    "make the deployment again when you want it to run",
).as_json()


@dataclass(frozen=True)
class Ending:
    """Into what a job ends; `error` is a reason and advice, `told_at` when the API hears of it."""

    status: JobStatus
    error: Mapping[str, Any] | None
    at: datetime
    told_at: datetime | None = None  # None: at once


def end_job(connection: Connection, job: Job, ending: Ending, **values: Any) -> None:
    """End a locked job and fold its verdicts; `values` are further columns to set."""
    folded = fold_verdicts(connection, job, ending.at)
    summary = count_results(connection, job.id) | {"violations": folded.counts}
    if ending.status in {JobStatus.FAILED, JobStatus.CANCELLED}:
        discard_unused_data(connection, job.id)
    move_job(
        connection,
        job,
        ending.status,
        error=dict(ending.error) if ending.error else None,
        finished_at=ending.at,
        lease_expires_at=None,
        summary=summary,
        **values,
    )
    tell(
        connection, ending.told_at or ending.at, lambda: _happened(connection, job, ending, folded)
    )


def end_job_here(connection: Connection, job: Job, ending: Ending, **values: Any) -> None:
    """End a locked job by the API's own decision: its token is refused from now on."""
    payload = {"status": ending.status, "error": ending.error}
    append_event(connection, job, "job_finished", ending.at, payload)
    end_job(connection, job, ending, lease_token=None, **values)


def end_waiting(
    connection: Connection,
    deployment_id: str,
    error: Mapping[str, Any],
    now: datetime,
    most: int | None = None,
) -> tuple[str, ...]:
    """Cancel the jobs of a locked deployment that wait for a worker; return their ids.

    With `most` only so many, and none that somebody else gives away or ends just now.
    """
    waiting = (
        select(jobs)
        .where(jobs.c.deployment_id == deployment_id, jobs.c.status == JobStatus.PENDING)
        .order_by(jobs.c.created_at, jobs.c.id)
        .limit(most)
        .with_for_update(skip_locked=most is not None)
    )
    found = [job_from_row(row) for row in connection.execute(waiting)]
    for job in found:
        end_job_here(connection, job, Ending(JobStatus.CANCELLED, error, now))
    return tuple(job.id for job in found)


def cancel_job(connection: Connection, job_id: str, now: datetime) -> None:
    """Cancel a pending job at once, or ask the worker of a running one to end it.

    Raises NotFound, and Conflict for a job that has ended otherwise.
    """
    job = lock_job(connection, job_id)
    match job.status:
        case JobStatus.PENDING:
            asked = update(jobs).where(jobs.c.id == job.id).values(cancel_requested=True)
            connection.execute(asked)
            end_job_here(connection, job, Ending(JobStatus.CANCELLED, CANCELLED_EARLY, now))
        case JobStatus.RUNNING:
            asked = update(jobs).where(jobs.c.id == job.id).values(cancel_requested=True)
            connection.execute(asked)
        case JobStatus.CANCELLED:
            pass
        case _:
            raise Conflict(
                f"job {job.id} has already ended: {job.status}", "there is nothing to cancel"
            )


def _happened(connection: Connection, job: Job, ending: Ending, folded: Folded) -> list[Happening]:
    ended = read_job(connection, job.id)
    violations = violation_events(connection, folded.changes, ending.at)
    return [job_finished(ended, ending.at), *violations]
