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
    tier: str | None = Field(
        default=None, description="how much its tests have proven; null: not known"
    )
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
    request_id: str | None = Field(description="of the request that asked for it")
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


class Kind(StrEnum):
    """How somebody is told."""

    WEBHOOK = "webhook"
    APPRISE = "apprise"


class Webhook(Answer):
    """A webhook; of its address only what is no secret."""

    id: str
    name: str
    kind: Kind
    address: str = Field(description="without its path, which may be a secret")
    types: tuple[str, ...]
    integration: str | None
    deployment_id: str | None
    min_severity: Severity | None
    job_statuses: tuple[str, ...]
    enabled: bool
    problem: ProblemNote | None = Field(description="what failed last, or why it is disabled")
    failures: int = Field(description="tries that failed, in a row")
    rest_until: datetime | None = Field(description="nothing is sent before, since it failed")
    created_at: datetime
    updated_at: datetime


class WebhookList(Answer):
    """One page of webhooks, newest first."""

    items: tuple[Webhook, ...]
    next_cursor: str | None


class EventType(StrEnum):
    """What may have happened."""

    JOB_FINISHED = "dev.trueline.job.finished"
    VIOLATION_OPENED = "dev.trueline.violation.opened"
    VIOLATION_REOPENED = "dev.trueline.violation.reopened"
    VIOLATION_RESOLVED = "dev.trueline.violation.resolved"
    SOURCE_DEGRADED = "dev.trueline.source.degraded"
    SOURCE_RECOVERED = "dev.trueline.source.recovered"


class NewWebhook(Body):
    """A webhook to create."""

    types: tuple[EventType, ...] = Field(
        default=(), description="of events; none: all, or for people all but jobs"
    )
    integration: str | None = Field(default=None)
    deployment: str | None = Field(default=None, description="its id or name")
    min_severity: Severity | None = Field(default=None, description="of violations: this and worse")
    job_statuses: tuple[Literal["success", "partial", "failed", "cancelled"], ...] = Field(
        default=(), description="of jobs; none: all"
    )
    name: str
    kind: Kind = Field(default=Kind.WEBHOOK)
    url: str = Field(description="https, or an address of apprise")
    secret: str | None = Field(default=None, description="whsec_...; left out: a new one is made")
    enabled: bool = Field(default=True)


class WrittenWebhook(Answer):
    """A webhook after a change."""

    id: str
    name: str
    kind: Kind
    address: str = Field(description="without its path, which may be a secret")
    types: tuple[str, ...]
    integration: str | None
    deployment_id: str | None
    min_severity: Severity | None
    job_statuses: tuple[str, ...]
    enabled: bool
    problem: ProblemNote | None = Field(description="what failed last, or why it is disabled")
    failures: int = Field(description="tries that failed, in a row")
    rest_until: datetime | None = Field(description="nothing is sent before, since it failed")
    created_at: datetime
    updated_at: datetime
    secret: str | None = Field(description="shown this once: what its signatures are made with")


class WebhookChanges(Body):
    """The fields to change; those left out stay as they are."""

    types: tuple[EventType, ...] = Field(
        default=(), description="of events; none: all, or for people all but jobs"
    )
    integration: str | None = Field(default=None)
    deployment: str | None = Field(default=None, description="its id or name")
    min_severity: Severity | None = Field(default=None, description="of violations: this and worse")
    job_statuses: tuple[Literal["success", "partial", "failed", "cancelled"], ...] = Field(
        default=(), description="of jobs; none: all"
    )
    name: str = Field(default="")
    url: str = Field(default="")
    secret: str = Field(default="", description="replaces the present one")
    new_secret: bool = Field(default=False, description="true: make a new one")
    enabled: bool = Field(default=True)


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class Delivery(Answer):
    """An event on its way to one receiver."""

    id: str
    webhook_id: str
    event_id: str = Field(description="the CloudEvent's `id`, and the header webhook-id")
    type: str
    event: dict[str, Any] = Field(description="its subject, time and data")
    status: DeliveryStatus
    attempts: int
    due_at: datetime = Field(description="when it is tried next")
    answer: int | None = Field(description="the HTTP status that the receiver answered with last")
    error: str | None = Field(description="what went wrong last")
    created_at: datetime
    finished_at: datetime | None


class DeliveryList(Answer):
    """One page of deliveries, newest first."""

    items: tuple[Delivery, ...]
    next_cursor: str | None


class Forge(StrEnum):
    """Who sends webhooks."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


class PushOutcome(StrEnum):
    """What becomes of a message."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    IGNORED = "ignored"
    PONG = "pong"


class TakenAnswer(Answer):
    """What became of a message."""

    status: PushOutcome
    reason: str | None = Field(description="why nothing was done")


class WorkerState(StrEnum):
    """How a worker is; `silent` is never stored."""

    RUNNING = "running"
    SILENT = "silent"
    STOPPED = "stopped"


class CheckShown(Answer):
    """What one check of a worker found."""

    name: str
    status: Literal["ok", "failed"]
    seconds: float
    error: str | None
    advice: str | None
    detail: str


class WorkerAnswer(Answer):
    """A worker, as it last reported."""

    name: str
    version: str
    isolation: str
    egress: str
    state: WorkerState
    started_at: Any
    last_seen_at: Any
    silent_seconds: float = Field(description="since it last reported")
    jobs_running: int
    concurrency: int
    outbox_events: int
    outbox_bytes: int
    outbox_oldest_seconds: float
    checks: tuple[CheckShown, ...]


class WorkerList(Answer):
    """Every worker that reported within a week, by name."""

    items: tuple[WorkerAnswer, ...]
    next_cursor: None = Field(default=None)


class CheckBody(Answer):
    """What one check of a worker found."""

    name: str
    status: Literal["ok", "failed"]
    seconds: float
    error: str | None
    advice: str | None
    detail: str = Field(default="")


class WorkerBody(Body):
    """How a worker is."""

    version: str
    isolation: str
    egress: str
    state: Literal["running", "stopped"]
    started_at: datetime
    jobs_running: int
    concurrency: int
    outbox_events: int
    outbox_bytes: int
    outbox_oldest_seconds: float
    checks: tuple[CheckBody, ...]


class Heard(Answer):
    """That a report was recorded."""

    status: Literal["ok"]


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
    detail: str = Field(description="what else there is to say; mostly nothing")


class Ready(Answer):
    """Whether requests can be served, and every check's part in that."""

    status: Literal["ok", "failed"]
    version: str | None = Field(description="null to whom no details are told")
    checks: tuple[CheckAnswer, ...]
    isolation: tuple[str, ...] = Field(description="the levels at which integrations run now")


class Role(StrEnum):
    """What a caller may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    WORKER = "worker"


class TokenAnswer(Answer):
    """An issued token, without the token."""

    id: str
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="to the hour or so")


class TokenList(Answer):
    """One page of tokens, newest first."""

    items: tuple[TokenAnswer, ...]
    next_cursor: str | None


class TokenBody(Body):
    """A token that is wanted."""

    name: str = Field(description="whose it is; renewed tokens keep it")
    role: Role
    days: int = Field(default=90, description="how long it is good for")


class NewToken(Answer):
    """A token that was issued just now."""

    id: str
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="to the hour or so")
    token: str = Field(description="shown this once")


class Closed(Answer):
    """How many sessions ended."""

    closed: int


class AuditAnswer(Answer):
    """Who did what."""

    id: str
    at: datetime
    principal: str
    role: str | None = Field(description="null: nobody who is known")
    token_id: str | None
    action: str
    method: str
    route: str
    object_kind: str | None
    object_id: str | None = Field(description="as the request named it")
    fields: tuple[str, ...] | None = Field(description="names of what was sent, never values")
    changed: bool = Field(description="whether a change was committed")
    status: int | None = Field(description="of the answer; null: the API ended before it")
    reason: str | None = Field(description="why it was refused")
    request_id: str


class AuditList(Answer):
    """One page of entries, newest first."""

    items: tuple[AuditAnswer, ...]
    next_cursor: str | None


class Me(Answer):
    """The caller, as the audit log names it."""

    name: str
    role: Role
    token_id: str | None
