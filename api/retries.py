"""What becomes of a job whose integration said why another system could not be used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from api.endings import end_waiting
from api.jobs import Job, JobStatus, move_job
from api.reports import JobFinished
from api.standing import DeploymentState, needy_note
from api.tables import deployments, jobs
from utils.integration_errors import Cause
from utils.notes import Note

MOST_RETRIES = 3
FIRST_WAIT_SECONDS = 30.0  # then four times as long each time: 30 s, 2 min, 8 min
LONGEST_WAIT_SECONDS = 6 * 3600.0  # a rate limit that lasts longer is for the next scheduled job
LATELY = timedelta(minutes=1)  # longer than workers take from tick to tick
JITTER = 0.25
MOST_ENDED_AT_ONCE = 500  # under a millisecond each, in the transaction of a worker's report
RETRIED = "job_retried"  # the event that stands where an attempt ended
_REPEATABLE = {Cause.TEMPORARY, Cause.RATE_LIMITED}
_NEEDY = {Cause.AUTH, Cause.NOT_CONFIGURED}


@dataclass(frozen=True)
class Retry:
    """A further attempt at a job."""

    not_before: datetime
    note: Note


def retry_of(job: Job, event: JobFinished, now: datetime) -> Retry | None:
    """Return when a job that has just ended is tried again; None: it has ended for good.

    What changes something is never repeated by itself.
    """
    if event.cause is None or event.cause.kind not in _REPEATABLE or event.status == "cancelled":
        return None
    if job.kind != "scan" or job.cancel_requested or job.retries >= MOST_RETRIES:
        return None
    wait = _wait_seconds(job, event.cause.retry_after)
    if wait > LONGEST_WAIT_SECONDS:
        return None
    until = now + timedelta(seconds=wait)
    what = "a rate limit was spent" if event.cause.kind is Cause.RATE_LIMITED else "it did not work"
    said = event.error.reason if event.error else "see the errors of each task"
    note = Note(
        f"{what} (try {job.retries + 1} of {MOST_RETRIES + 1}): {said}",
        f"wait: it is tried again after {until:%Y-%m-%d %H:%M:%S} UTC; or cancel it",
    )
    return Retry(until, note)


def put_off(connection: Connection, job: Job, retry: Retry) -> None:
    """Let a locked running job wait for its next attempt."""
    move_job(
        connection,
        job,
        JobStatus.PENDING,
        retries=job.retries + 1,
        not_before=retry.not_before,
        error=retry.note.as_json(),
        worker=None,
        lease_token=None,
        lease_expires_at=None,
        started_at=None,
    )


def are_due_again(connection: Connection, now: datetime) -> bool:
    """Tell whether jobs have just waited long enough: workers that wait for work should look."""
    lately = (jobs.c.not_before <= now, jobs.c.not_before > now - LATELY)
    waiting = select(jobs.c.id).where(jobs.c.status == JobStatus.PENDING, *lately).limit(1)
    return connection.execute(waiting).first() is not None


def next_retry_at(connection: Connection, now: datetime) -> datetime | None:
    """Return when the next of the jobs that were put off is due."""
    later = (jobs.c.status == JobStatus.PENDING, jobs.c.not_before > now)
    found: datetime | None = connection.execute(
        select(func.min(jobs.c.not_before)).where(*later)
    ).scalar_one()
    return found


def mark_deployment(
    connection: Connection, job: Job, event: JobFinished, now: datetime
) -> tuple[str, ...]:
    """Stop a deployment whose credentials or config are refused, until somebody changes it.

    Returns its jobs that waited: they are cancelled, as they would be refused in the same way. A
    deployment that was changed after the job began is left alone: the job used the old config.
    """
    if event.cause is None or event.cause.kind not in _NEEDY or job.started_at is None:
        return ()
    statement = select(deployments).where(deployments.c.id == job.deployment_id).with_for_update()
    row = connection.execute(statement).first()
    if row is None or row.updated_at > job.started_at:
        return ()
    fault = _fault(job, event).as_json()
    values: dict[str, Any] = {"fault": fault, "updated_at": now}
    if row.state == DeploymentState.ACTIVE:
        values |= {"state": DeploymentState.NEEDS_ATTENTION.value, "problem": fault}
        values["next_due_at"] = None
    connection.execute(update(deployments).where(deployments.c.id == row.id).values(values))
    # Who holds one of them may want this deployment next. What is left ends when it is its turn.
    return end_waiting(connection, row.id, needy_note(row.name, fault), now, MOST_ENDED_AT_ONCE)


def _wait_seconds(job: Job, asked: float | None) -> float:
    if asked is not None:
        return asked
    # Jobs that failed together do not come back together; a job's id is as good as a dice.
    luck = int(job.id.replace("-", "")[:8], 16) / 0xFFFFFFFF
    return FIRST_WAIT_SECONDS * float(4**job.retries) * (1 + JITTER * luck)


def _fault(job: Job, event: JobFinished) -> Note:
    kind = event.cause.kind if event.cause else None
    what = "the credentials were refused" if kind is Cause.AUTH else "the config is not complete"
    said = f": {event.error.reason}" if event.error else ""
    return Note(
        f"{what} in job {job.id}{said}",
        "renew them and PATCH its config; or when they are right again, PATCH "
        f'/api/v1/deployments/{job.deployment_id} {{"enabled": true}}',
    )
