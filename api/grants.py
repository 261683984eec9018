"""What a worker gets with a lease: the job and its deployment's config in clear."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from api.config_secrets import SecretBox
from api.endings import DEPLOYMENT_DELETED, Ending, end_job_here
from api.jobs import Job, JobStatus
from api.leases import Term, claim_jobs
from api.secret_key import SecretKeyError
from api.standing import DeploymentState, needy_note
from api.tables import deployments, integrations
from utils.notes import Note

_OF_DEPLOYMENT = ("id", "name", "config", "state", "problem", "fault")
_WANTED = (
    select(*(deployments.c[name] for name in _OF_DEPLOYMENT), integrations.c.registered_commit)
    .join(integrations, integrations.c.name == deployments.c.integration)
    .where(deployments.c.id.in_(bindparam("ids", expanding=True)))
)


@dataclass(frozen=True)
class Grant:
    """One leased job and all that a worker needs to carry it out."""

    job: Job
    config: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...]
    references: tuple[str, ...]
    commit_wanted: str | None  # what init has read last: a worker behind it looks at the source


@dataclass(frozen=True)
class Grants:
    """The jobs that a worker got, and those that ended because they cannot be carried out."""

    given: tuple[Grant, ...] = ()
    ended: tuple[str, ...] = ()


def grant_jobs(connection: Connection, secrets: SecretBox, term: Term, slots: int) -> Grants:
    """Claim jobs for a worker and open their configs; what cannot be opened fails its job.

    A job whose deployment needs attention by now is cancelled: it was being given or tried again,
    or asked for, at the moment when its deployment was stopped.
    """
    claimed = claim_jobs(connection, term, slots)
    wanted = _wanted(connection, {job.deployment_id for job in claimed})
    given: list[Grant] = []
    ended: list[str] = []
    for job in claimed:
        granted = _granted(secrets, job, wanted.get(job.deployment_id), term.now)
        if isinstance(granted, Grant):
            given.append(granted)
        else:
            end_job_here(connection, job, granted, worker=None, started_at=None)
            ended.append(job.id)
    return Grants(tuple(given), tuple(ended))


def _wanted(connection: Connection, ids: Collection[str]) -> dict[str, Row[Any]]:
    if not ids:
        return {}
    found: Iterable[Row[Any]] = connection.execute(_WANTED, {"ids": list(ids)})
    return {row.id: row for row in found}


def _granted(
    secrets: SecretBox, job: Job, wanted: Row[Any] | None, now: datetime
) -> Grant | Ending:
    if wanted is None:
        return Ending(JobStatus.FAILED, DEPLOYMENT_DELETED, now)
    stopped = wanted.state == DeploymentState.NEEDS_ATTENTION
    if problem := wanted.fault or (wanted.problem if stopped else None):
        return Ending(JobStatus.CANCELLED, needy_note(wanted.name, problem), now)
    try:
        opened = secrets.open_config(job.deployment_id, wanted.config)
    except SecretKeyError as error:
        return Ending(JobStatus.FAILED, Note.of(error).as_json(), now)
    commit = wanted.registered_commit
    return Grant(job, opened.config, opened.secrets, opened.references, commit)
