"""Give, prolong and take back leases; for workers."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from pydantic import Field

from api.grants import Grant, grant_jobs
from api.leases import Held, Term, release_leases, renew_leases
from api.looks import looks_asked
from api.models import Answer, Body, Count, Number
from api.openapi import blueprint, problem_responses
from api.principal import lease_owner
from api.problems import Conflict
from api.state import State, current_state
from api.storable import StorableText
from api.wakeups import WORK
from utils import __version__

routes = blueprint("leases", __name__)
LONGEST_WAIT_SECONDS = 30
MOST_LEASES = 1_000


class LeaseName(Body):
    """One lease that a worker holds."""

    job_id: StorableText = Field(max_length=64)
    attempt: Count = Field(ge=1, le=2**31 - 1)
    token: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", repr=False)

    def held(self) -> Held:
        """Return it as the rest of the API knows it."""
        return Held(self.job_id, self.attempt, self.token, lease_owner())


class LeaseRequest(Body):
    """A worker's request for work."""

    worker: StorableText = Field(min_length=1, max_length=200)
    slots: Count = Field(ge=1, le=MOST_LEASES, description="how many jobs it takes at most")
    wait_seconds: Number = Field(0, ge=0, le=LONGEST_WAIT_SECONDS)
    version: StorableText = Field(max_length=64, description="the worker's version")


class LeaseNames(Body):
    """Leases that a worker holds."""

    worker: StorableText = Field(min_length=1, max_length=200)
    leases: list[LeaseName] = Field(max_length=MOST_LEASES)

    def held(self) -> list[Held]:
        """Return them as the rest of the API knows them."""
        return [lease.held() for lease in self.leases]


class LeaseAnswer(Answer):
    """A lease: the right to carry out one attempt at a job."""

    job_id: str
    attempt: int
    token: str
    kind: str
    lease_seconds: float
    deployment_id: str
    deployment_name: str
    integration: str
    config: dict[str, Any] = Field(description="in clear")
    secrets: list[str] = Field(description="JSON pointers to the secrets in the config")
    references: list[str] = Field(
        description="JSON pointers to what the worker replaces by the secret that it refers to"
    )
    commit_wanted: str | None = Field(description="what init has read last; null: nothing")
    request_id: str | None = Field(description="of the request that asked for the job")
    traceparent: str | None = Field(description="of the trace that the job is part of")


class LeaseList(Answer):
    """The leases that a worker got; none when the time was over first."""

    leases: list[LeaseAnswer]
    looks_asked: int | None = Field(
        description="how often pushes have asked for a look at the source; null beside leases"
    )


class RenewalAnswer(Answer):
    """What became of leases: those to cancel are among the renewed."""

    renewed: list[str]
    lost: list[str]
    cancelled: list[str]


class Released(Answer):
    """The jobs that wait for a worker again."""

    released: list[str]


@routes.post(
    "/leases", operation_id="lease_jobs", responses={200: LeaseList, **problem_responses(409)}
)
def claim(body: LeaseRequest) -> dict[str, Any]:
    """Lease the oldest pending jobs; waits for work up to `wait_seconds`."""
    _check_version(body.version)
    state = current_state()
    if body.wait_seconds:
        given = state.wakeups.wait_for(WORK, lambda: _claim(state, body), body.wait_seconds)
    else:
        given = _claim(state, body)
    shown = [_shown(grant, state.settings.lease_seconds) for grant in given or ()]
    return {"leases": shown, "looks_asked": None if given else _looks_asked(state)}


@routes.post("/leases/renew", operation_id="renew_leases", responses={200: RenewalAnswer})
def renew(body: LeaseNames) -> dict[str, Any]:
    """Prolong leases."""
    state = current_state()
    with state.database.write() as connection:
        renewal = renew_leases(connection, _term(state, body.worker), body.held())
    return asdict(renewal)


@routes.post("/leases/release", operation_id="release_leases", responses={200: Released})
def release(body: LeaseNames) -> dict[str, Any]:
    """Give jobs back: they wait for a worker again, and no loss is counted."""
    state = current_state()
    with state.database.write() as connection:
        released = release_leases(connection, body.worker, body.held(), state.clock())
    if released:
        state.wakeups.wake(WORK)
        state.wakeups.wake_jobs(*released)
    return {"released": released}


def _claim(state: State, wanted: LeaseRequest) -> tuple[Grant, ...] | None:
    # A lease that a power failure takes back is one whose job waits again, and whose token is
    # refused. What is reported under it is durable, and so is the lease from then on.
    with state.database.write(durable=False) as connection:
        term = _term(state, wanted.worker)
        grants = grant_jobs(connection, state.secrets, term, wanted.slots)
    state.wakeups.wake_jobs(*grants.ended)
    if grants.ended and not grants.given:
        state.wakeups.wake(WORK)  # those that can be carried out may stand behind them
    state.wakeups.wake_followers(*(grant.job.id for grant in grants.given))
    return grants.given or None


def _looks_asked(state: State) -> int:
    """Read it for idle workers alone: a job names the commit that it wants itself."""
    with state.database.read() as connection:
        return looks_asked(connection)


def _term(state: State, worker: str) -> Term:
    lasts = timedelta(seconds=state.settings.lease_seconds)
    return Term(worker, state.clock(), lasts, lease_owner())


def _shown(grant: Grant, lease_seconds: float) -> dict[str, Any]:
    job = grant.job
    return {
        "job_id": job.id,
        "attempt": job.attempt,
        "token": job.lease_token,
        "kind": job.kind,
        "lease_seconds": lease_seconds,
        "deployment_id": job.deployment_id,
        "deployment_name": job.deployment_name,
        "integration": job.integration,
        "config": grant.config,
        "secrets": grant.secrets,
        "references": grant.references,
        "commit_wanted": grant.commit_wanted,
        "request_id": job.request_id,
        "traceparent": job.traceparent,
    }


def _check_version(version: str) -> None:
    if version.split(".")[:2] != __version__.split(".")[:2]:
        raise Conflict(
            f"the worker has version {version}, the API has {__version__}",
            "start both from the same version; the worker gets jobs then",
        )
