"""What a worker gets with a lease: the job and its deployment's config in clear."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from api.config_secrets import SecretBox
from api.endings import DEPLOYMENT_DELETED, Ending, end_job_here
from api.jobs import Job, JobStatus
from api.leases import Term, claim_jobs
from api.secret_key import SecretKeyError
from api.tables import deployments, integrations
from utils.notes import Note

_WANTED = (
    select(deployments.c.id, deployments.c.config, integrations.c.registered_commit)
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
class _Wanted:
    """What a deployment asks for, secrets still sealed."""

    config: dict[str, Any]
    commit: str | None


@dataclass(frozen=True)
class Grants:
    """The jobs that a worker got, and those that failed because they cannot be carried out."""

    given: tuple[Grant, ...] = ()
    failed: tuple[str, ...] = ()


def grant_jobs(connection: Connection, secrets: SecretBox, term: Term, slots: int) -> Grants:
    """Claim jobs for a worker and open their configs; what cannot be opened fails its job."""
    claimed = claim_jobs(connection, term, slots)
    wanted = _wanted(connection, {job.deployment_id for job in claimed})
    given: list[Grant] = []
    failed: list[str] = []
    for job in claimed:
        granted = _granted(secrets, job, wanted.get(job.deployment_id))
        if isinstance(granted, Grant):
            given.append(granted)
        else:
            _fail(connection, job, granted, term.now)
            failed.append(job.id)
    return Grants(tuple(given), tuple(failed))


def _wanted(connection: Connection, ids: Collection[str]) -> dict[str, _Wanted]:
    if not ids:
        return {}
    found = connection.execute(_WANTED, {"ids": list(ids)})
    return {id_: _Wanted(config, commit) for id_, config, commit in found}


def _granted(secrets: SecretBox, job: Job, wanted: _Wanted | None) -> Grant | dict[str, str]:
    if wanted is None:
        return DEPLOYMENT_DELETED
    try:
        opened = secrets.open_config(job.deployment_id, wanted.config)
    except SecretKeyError as error:
        return Note.of(error).as_json()
    return Grant(job, opened.config, opened.secrets, opened.references, wanted.commit)


def _fail(connection: Connection, job: Job, error: dict[str, str], now: datetime) -> None:
    end_job_here(connection, job, Ending(JobStatus.FAILED, error, now))
