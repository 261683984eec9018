"""The tables of the API, in the order in which data flows through them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time; always UTC and aware on both sides, SQLite included."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, store UTC."""
        del dialect
        return None if value is None else _in_utc(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Write SQLite's text at once: SQLAlchemy's own way there is ten times as slow."""
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the time back aware."""
        del dialect
        if value is None:
            return None
        time: datetime = value
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a naive time cannot be stored; use an aware one")
    return value.astimezone(UTC)


def _sqlite_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    it = _in_utc(value)
    return _SQLITE_TIME % (it.year, it.month, it.day, it.hour, it.minute, it.second, it.microsecond)


# To take the zone off and call isoformat takes four times as long.
_SQLITE_TIME = "%04d-%02d-%02d %02d:%02d:%02d.%06d"


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Id = String(36)

sources = Table(
    "sources",
    metadata,
    Column("url", Text, primary_key=True),  # as shown: no credentials
    Column("ref", Text, nullable=False),
    Column("commit", String(64)),
    Column("state", String(16), nullable=False),  # ok, degraded
    Column("problem", Json),
    Column("checked_at", UtcDateTime, nullable=False),
)

integrations = Table(
    "integrations",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("schema", Json, nullable=False),
    Column("hosts", Json),  # that its entry declares; null: it does not say
    Column("state", String(16), nullable=False),  # registered, ready, broken, disabled
    Column("commit", String(64)),  # the newest that init has read or a worker has judged
    Column("registered_commit", String(64)),  # the one that init has read last
    Column("tasks", Json),
    Column("environment", Json),
    Column("problem", Json),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_integrations_state", "state", "name"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("integration", ForeignKey("integrations.name"), nullable=False),
    Column("config", Json, nullable=False),  # secrets in it are sealed
    Column("schedule", Text),
    Column("timezone", String(64), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("state", String(16), nullable=False),  # active, paused, needs_attention
    Column("problem", Json),
    Column("fault", Json),  # what its last job said of its credentials; a change of it forgets that
    Column("next_due_at", UtcDateTime, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_deployments_newest", "state", "created_at", "id"),
    Index("ix_deployments_integration", "integration", "state", "created_at", "id"),
    Index("ix_deployments_named", "state", "name"),
    Index("ix_deployments_integration_named", "integration", "state", "name"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),  # scan, reconcile
    Column("deployment_id", Id, nullable=False),  # kept when the deployment is deleted
    Column("deployment_name", String(200), nullable=False),
    Column("integration", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("commit", String(64)),
    Column("attempt", Integer, nullable=False),  # 0: never leased
    Column("losses", Integer, nullable=False),  # leases that expired
    Column("retries", Integer, nullable=False, server_default="0"),  # times that it was put off
    Column("not_before", UtcDateTime),  # when it was put off until
    Column("trigger", String(16), nullable=False),  # manual, schedule
    Column("due_at", UtcDateTime),
    Column("worker", String(200)),
    Column("isolation", String(64)),  # how far it was kept apart
    Column("lease_token", String(64)),
    Column("lease_owner", String(200)),  # whose token took it; null: there are no tokens
    Column("lease_expires_at", UtcDateTime),
    Column("cancel_requested", Boolean, nullable=False),
    Column("error", Json),
    Column("summary", Json),
    Column("network", Json),  # what it reached, where its worker records that
    Column("request_id", String(64)),  # of the request that asked for it
    Column("traceparent", String(55)),  # of the trace that it is part of; see W3C Trace Context
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("deployment_id", "due_at"),
    Index("ix_jobs_finished", "finished_at", "id"),
    Index("ix_jobs_queue", "status", "created_at", "id"),
    Index("ix_jobs_deployment", "deployment_id", "status", "created_at", "id"),
    Index("ix_jobs_integration", "integration", "status", "created_at", "id"),
)

events = Table(
    "events",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("payload", Json, nullable=False),  # a task's result stands in task_results alone
)

task_results = Table(
    "task_results",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("type", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("verdict", String(16)),
    Column("severity", String(16)),
    Column("duration_seconds", Float, nullable=False),
    Column("result", Json, nullable=False),  # the whole task result, but for large data
    Column("large_sha256", String(64)),
)

large_data = Table(  # of tasks, compressed, in chunks; task_results refer to it by its hash
    "large_data",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("sha256", String(64), primary_key=True),  # of all chunks together
    Column("start", BigInteger, primary_key=True),  # where in the whole the chunk begins
    Column("size_bytes", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

verdicts = Table(  # the latest verdict of each insight: what a late job must not overrule
    "verdicts",
    metadata,
    Column("deployment_id", Id, primary_key=True),
    Column("task", String(200), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("job_id", Id, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),  # when its job started
)

_FIRST_OF_DEPLOYMENT = ("deployment_id", "status", "severity_rank", "first_seen", "id")
_FIRST_OF_INTEGRATION = ("integration", "status", "severity_rank", "first_seen", "id")
_LAST_OF_TASK = ("task", "status", "severity_rank", "last_seen", "id")
violations = Table(
    "violations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("integration", String(64), nullable=False),
    Column("deployment_id", Id, nullable=False),
    Column("deployment_name", String(200), nullable=False),
    Column("task", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("resource_id", Text, nullable=False),  # empty: the insight as a whole
    Column("severity", String(16), nullable=False),
    Column("severity_rank", Integer, nullable=False),  # 4 critical ... 1 low
    Column("status", String(16), nullable=False),  # open, acknowledged, muted, resolved
    Column("message", Text),
    Column("data", Json),
    Column("note", Text),  # why it was acknowledged or muted
    Column("muted_until", UtcDateTime),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Column("occurrences", Integer, nullable=False),
    Column("job_id", Id, nullable=False),
    Index("ix_violations_open", "status", "severity_rank", "last_seen", "id"),
    Index(
        "ix_violations_deployment", "deployment_id", "status", "severity_rank", "last_seen", "id"
    ),
    Index("ix_violations_integration", "integration", "status", "severity_rank", "last_seen", "id"),
    Index("ix_violations_new", "status", "severity_rank", "first_seen", "id"),
    Index("ix_violations_deployment_new", *_FIRST_OF_DEPLOYMENT),
    Index("ix_violations_integration_new", *_FIRST_OF_INTEGRATION),
    Index("ix_violations_insight", "deployment_id", *_LAST_OF_TASK),
    Index("ix_violations_task", "integration", *_LAST_OF_TASK),
    Index("ix_violations_job", "job_id"),
    Index("ix_violations_resolved", "resolved_at", "id"),
    Index("ix_violations_mutes", "status", "muted_until"),
)
