"""The tables of events that go out and come in: who is told, what waits, what was taken in."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from api.tables import Id, Json, UtcDateTime, metadata


def sealed_for(webhook_id: str) -> str:
    """Name whom a webhook's secrets are sealed for: they open for no other."""
    return f"webhook {webhook_id}"


webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),  # webhook, apprise
    Column("address", Text, nullable=False),  # as shown: without what may be a secret
    Column("sealed", Json, nullable=False),  # the URL and the signing secret
    Column("types", Json, nullable=False),  # of events; empty: the kind's usual ones
    Column("integration", String(64)),
    Column("deployment_id", Id),
    Column("min_severity", String(16)),  # of violations
    Column("job_statuses", Json, nullable=False),  # empty: all
    Column("enabled", Boolean, nullable=False),
    Column("problem", Json),  # why it was disabled, or what failed last
    Column("failures", Integer, nullable=False),  # in a row
    Column("rest_until", UtcDateTime),  # nothing is sent before
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

deliveries = Table(  # a row an event and receiver: written with the change, kept for a while
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", Id, nullable=False),
    Column("type", String(64), nullable=False),
    Column("event", Json, nullable=False),
    Column("status", String(16), nullable=False),  # pending, delivered, dead
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),  # of one that is being sent: the claim's end
    Column("claim", String(32)),  # of the thread that sends it
    Column("answer", Integer),  # the status that the receiver answered with last
    Column("error", Text),  # what went wrong last
    Column("created_at", UtcDateTime, nullable=False),
    Column("since", UtcDateTime, nullable=False),  # its tries are counted from here
    Column("finished_at", UtcDateTime),
    Index("ix_deliveries_due", "webhook_id", "status", "due_at"),
    Index("ix_deliveries_old", "status", "since"),
    Index("ix_deliveries_listed", "status", "created_at", "id"),
    Index("ix_deliveries_webhook", "webhook_id", "status", "created_at", "id"),
)

pushes = Table(  # what forges have sent: each is taken in once
    "pushes",
    metadata,
    Column("key", String(64), primary_key=True),  # the hash of a delivery's id, or of what it says
    Column("forge", String(16), nullable=False),
    Column("received_at", UtcDateTime, nullable=False, index=True),
)

looks = Table(  # one row, made by the first push: how many looks at the source pushes asked for
    "looks",
    metadata,
    Column("id", Integer, primary_key=True),  # 1
    Column("asked", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
)
