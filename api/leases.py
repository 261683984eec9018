"""Leases: the right to carry out one attempt at a job, fenced by a random token."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import token_urlsafe

from sqlalchemy import Connection, bindparam, select, update

from api.endings import CANCELLED_EARLY, Ending, end_job_here
from api.events import append_event
from api.jobs import Job, JobStatus, is_due, job_from_row, lock_jobs, move_job
from api.tables import jobs
from api.task_results import discard_results

_OLDEST = (
    select(jobs)
    .where(jobs.c.status == JobStatus.PENDING, is_due())
    .order_by(jobs.c.created_at, jobs.c.id)
    .limit(bindparam("slots"))
    .with_for_update(skip_locked=True)
)


@dataclass(frozen=True)
class Held:
    """What a worker says it holds."""

    job_id: str
    attempt: int
    token: str
    owner: str | None = None  # whose token says so; None: there are no tokens


@dataclass(frozen=True)
class Renewal:
    """What became of the leases that a worker wanted to keep; `cancelled` are renewed too."""

    renewed: tuple[str, ...]
    lost: tuple[str, ...]
    cancelled: tuple[str, ...]


@dataclass(frozen=True)
class Term:
    """Who gets leases, when, and for how long."""

    worker: str
    now: datetime
    lasts: timedelta
    owner: str | None = None  # whose token takes them

    @property
    def end(self) -> datetime:
        """When a lease given now runs out."""
        return self.now + self.lasts


def claim_jobs(connection: Connection, term: Term, slots: int) -> list[Job]:
    """Give the oldest pending jobs to a worker, up to `slots`; each is given once."""
    wanted = {"slots": slots, "now": term.now}
    pending = [job_from_row(row) for row in connection.execute(_OLDEST, wanted)]
    discard_results(connection, [job.id for job in pending if job.attempt])
    return [_give(connection, job, term) for job in pending]


def renew_leases(connection: Connection, term: Term, held: Sequence[Held]) -> Renewal:
    """Prolong the leases that the worker still owns."""
    owned = _owned(connection, term.worker, held)
    statement = update(jobs).where(jobs.c.id.in_(owned)).values(lease_expires_at=term.end)
    if owned:
        connection.execute(statement)
    return Renewal(
        renewed=tuple(owned),
        lost=tuple(lease.job_id for lease in held if lease.job_id not in owned),
        cancelled=tuple(job.id for job in owned.values() if job.cancel_requested),
    )


def release_leases(
    connection: Connection, worker: str, held: Sequence[Held], now: datetime
) -> tuple[str, ...]:
    """Take back the leases that the worker still owns; no loss is counted."""
    owned = _owned(connection, worker, held)
    for job in owned.values():
        hand_back(connection, job, "released", now)
    return tuple(owned)


def hand_back(connection: Connection, job: Job, why: str, now: datetime, losses: int = 0) -> None:
    """Let a locked running job wait for a worker again, or end it when that was asked for."""
    append_event(connection, job, why, now, {"worker": job.worker})
    if job.cancel_requested:
        end_job_here(connection, job, Ending(JobStatus.CANCELLED, CANCELLED_EARLY, now))
        return
    move_job(
        connection,
        job,
        JobStatus.PENDING,
        losses=job.losses + losses,
        worker=None,
        lease_token=None,
        lease_expires_at=None,
        started_at=None,
    )


def owns(job: Job | None, lease: Held) -> bool:
    """Whether this attempt at the job was given that token, and to whoever says so."""
    if job is None or job.lease_token is None or job.attempt != lease.attempt:
        return False
    if job.lease_owner not in {None, lease.owner}:  # None: it was given before a key was set
        return False
    return compare_digest(job.lease_token.encode(), lease.token.encode())


def _give(connection: Connection, job: Job, term: Term) -> Job:
    given = replace(
        job,
        status=JobStatus.RUNNING,
        attempt=job.attempt + 1,
        worker=term.worker,
        lease_token=token_urlsafe(32),
        lease_owner=term.owner,
        lease_expires_at=term.end,
        started_at=term.now,
        commit=None,
        isolation=None,
        network=None,
        error=None,
    )
    move_job(
        connection,
        job,
        given.status,
        attempt=given.attempt,
        worker=given.worker,
        lease_token=given.lease_token,
        lease_owner=given.lease_owner,
        lease_expires_at=given.lease_expires_at,
        started_at=given.started_at,
        commit=given.commit,
        isolation=given.isolation,
        network=given.network,
        error=given.error,
    )
    return given


def _owned(connection: Connection, worker: str, held: Collection[Held]) -> dict[str, Job]:
    known = lock_jobs(connection, [lease.job_id for lease in held])
    leases = {lease.job_id: lease for lease in held}
    return {
        job.id: job
        for job in known.values()
        if job.status is JobStatus.RUNNING and job.worker == worker and owns(job, leases[job.id])
    }
