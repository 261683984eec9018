"""What the API is sent and what it answers.

Made from the API's description by `make client`; do not edit.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from utils.client.model import Answer, Body


class Rejection(Answer):
    """An entry that cannot be used; an existing record of that name keeps its data."""

    name: str
    reason: str
    advice: str


class Registration(Answer):
    """What an init did."""

    commit: str = Field(description="the commit whose manifest was read")
    created: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    disabled: tuple[str, ...] = Field(description="they left the manifest or are not enabled in it")
    rejected: tuple[Rejection, ...]


class IntegrationState(StrEnum):
    """Where an integration stands."""

    REGISTERED = "registered"
    READY = "ready"
    BROKEN = "broken"
    DISABLED = "disabled"


class Warm(Answer):
    """Whether jobs are forked from a process that has imported the integration already."""

    state: Literal["ready", "unfit", "off", "idle"]
    reason: str | None = Field(description="why it is unfit")


class Environment(Answer):
    """The environment that an integration runs in."""

    key: str
    state: str
    seconds: float | None = Field(description="what its build took; null when it was there")
    warm: Warm | None = Field(default=None)
    isolation: str | None = Field(default=None, description="how far its jobs are kept apart")
    egress: str | None = Field(default=None, description="`declared`: its jobs reach `hosts` alone")


class ProblemNote(Answer):
    """What is wrong with a thing, and what to do now."""

    reason: str
    advice: str


class Integration(Answer):
    """An integration: its manifest entry, and what workers report of it."""

    name: str
    title: str
    description: str
    enabled: bool
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema of the config")
    hosts: tuple[str, ...] | None = Field(description="that its jobs may reach; null: not declared")
    state: IntegrationState
    commit: str | None
    tasks: tuple[dict[str, Any], ...] | None
    environment: Environment | None
    problem: ProblemNote | None
    created_at: datetime
    updated_at: datetime


class IntegrationList(Answer):
    """One page of integrations, by name."""

    items: tuple[Integration, ...]
    next_cursor: str | None


class DeploymentState(StrEnum):
    """Where a deployment stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    NEEDS_ATTENTION = "needs_attention"


class Deployment(Answer):
    """A deployment; secrets in its config are masked."""

    id: str
    name: str
    integration: str
    config: dict[str, Any]
    schedule: str | None
    timezone: str
    enabled: bool = Field(description="what the user wants; `state` is what holds")
    state: DeploymentState
    problem: ProblemNote | None
    next_due_at: datetime | None
    created_at: datetime
    updated_at: datetime


class DeploymentList(Answer):
    """One page of deployments, newest first."""

    items: tuple[Deployment, ...]
    next_cursor: str | None


class NewDeployment(Body):
    """A deployment to create."""

    name: str
    integration: str
    config: dict[str, Any] = Field(description="what the integration's schema accepts")
    schedule: str | None = Field(
        default=None, description="a cron line, `every 15m`, or null for on demand only"
    )
    timezone: str = Field(default="UTC", description="the schedule's time zone")
    enabled: bool = Field(default=True, description="false: paused")


class DeploymentChanges(Body):
    """The fields to change; those left out stay as they are."""

    name: str = Field(default="")
    integration: str = Field(default="", description="cannot be changed")
    config: dict[str, Any] = Field(
        default_factory=dict,
        description="replaces the whole config; a mask keeps the stored secret",
    )
    schedule: str | None = Field(default=None)
    timezone: str = Field(default="")
    enabled: bool = Field(default=True)


class JobStatus(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Accepted(Answer):
    """A job that waits for a worker."""

    job_id: str
    status: JobStatus
    status_url: str


class Trigger(StrEnum):
    """What made a job."""

    MANUAL = "manual"
    SCHEDULE = "schedule"


class JobAnswer(Answer):
    """A job: one run of a deployment."""

    id: str
    kind: str
    deployment_id: str
    deployment_name: str
    integration: str
    status: JobStatus
    commit: str | None
    attempt: int = Field(description="how many times it was given to a worker")
    retries: int = Field(description="how many times it was put off, as another system failed it")
    not_before: datetime | None = Field(description="when it was put off until")
    trigger: Trigger
    due_at: datetime | None = Field(description="the due time that it was made for")
    worker: str | None
    isolation: str | None = Field(description="how far it was kept apart from other jobs")
    cancel_requested: bool
    error: dict[str, Any] | None = Field(description="`reason` and `advice` when it went wrong")
    summary: dict[str, Any] | None = Field(
        description="at the end: tasks by status, insights by verdict, violations by change"
    )
    network: dict[str, Any] | None = Field(
        description="what it reached and what was refused; null where nobody records that"
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobList(Answer):
    """One page of jobs, newest first."""

    items: tuple[JobAnswer, ...]
    next_cursor: str | None


class TaskResults(Answer):
    """A job's task results, in the order in which the tasks ended."""

    items: tuple[dict[str, Any], ...]
    next_cursor: None = Field(default=None)


class ViolationStatus(StrEnum):
    """Where a violation stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How much a violation matters, least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ViolationAnswer(Answer):
    """A violation: the lasting record of a failed insight."""

    id: str
    integration: str
    deployment_id: str
    deployment_name: str
    task: str
    title: str
    resource_id: str = Field(description="empty: the insight as a whole")
    severity: Severity
    status: ViolationStatus
    message: str | None
    data: dict[str, Any] | tuple[Any, ...] | None
    note: str | None = Field(description="why it was acknowledged or muted")
    muted_until: datetime | None
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None
    occurrences: int
    job_id: str = Field(description="the job that saw it last")


class ViolationList(Answer):
    """One page of violations, the worst first, then the ones seen last."""

    items: tuple[ViolationAnswer, ...]
    next_cursor: str | None


class DecisionBody(Body):
    """What somebody decides about a violation."""

    status: Literal["open", "acknowledged", "muted"]
    reason: str | None = Field(default=None, description="needed for a mute")
    until: datetime | None = Field(default=None, description="when a mute ends; none: never")


class Live(Answer):
    """The process answers."""

    status: Literal["ok"]


class CheckAnswer(Answer):
    """What one check found."""

    name: str
    status: Literal["ok", "failed"]
    seconds: float
    error: str | None
    advice: str | None


class Ready(Answer):
    """Whether requests can be served, and every check's part in that."""

    status: Literal["ok", "failed"]
    version: str
    checks: tuple[CheckAnswer, ...]
    isolation: tuple[str, ...] = Field(description="the levels at which integrations run now")
