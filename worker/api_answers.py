"""What the API answers to a worker, checked where it comes in."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from worker.lease import Lease


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a newer API may say more


class Me(_Answer):
    """Whom the API takes this worker for; without a signing key it asks for no token."""

    name: str
    role: str
    token_id: str | None


class Grant(_Answer):
    """One job that this worker may run, and what it needs to know about it."""

    job_id: str
    attempt: int
    token: str = Field(repr=False)
    kind: str
    lease_seconds: float = Field(gt=0)
    deployment_id: str
    deployment_name: str
    integration: str
    config: dict[str, Any] = Field(repr=False)
    secrets: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    commit_wanted: str | None = None
    request_id: str | None = None
    traceparent: str | None = None

    @property
    def lease(self) -> Lease:
        """The grant's identity."""
        return Lease(self.job_id, self.attempt, self.token)


class Grants(_Answer):
    """The answer to a request for work."""

    leases: tuple[Grant, ...]
    looks_asked: int | None = None


class Renewal(_Answer):
    """Which leases go on, which were lost, and which jobs somebody cancelled."""

    renewed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()


class Released(_Answer):
    """Which jobs went back to the queue."""

    released: tuple[str, ...] = ()


class Outcome(_Answer):
    """What became of one report."""

    job_id: str
    attempt: int
    status: Literal["recorded", "refused"]
    last_seq: int | None = None
    reason: str | None = None


class Outcomes(_Answer):
    """What became of a batch of reports."""

    outcomes: tuple[Outcome, ...]
    cancelled: tuple[str, ...] = ()


class Received(_Answer):
    """How much of a task's large data the API has."""

    received_bytes: int = Field(ge=0)


class Tick(_Answer):
    """What a look at the schedule did, and when the next deployment is due."""

    created: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    next_due_at: datetime | None = None


class Known(_Answer):
    """Which integrations of a catalogue are registered with the API."""

    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
