"""The table of workers, one row each, as they last reported."""

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table

from api.tables import Json, UtcDateTime, metadata

workers = Table(
    "workers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("version", String(64), nullable=False),
    Column("isolation", String(64), nullable=False),
    Column("egress", String(16), nullable=False),
    Column("state", String(16), nullable=False),  # running, stopped
    Column("started_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("jobs_running", Integer, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("outbox_events", BigInteger, nullable=False),
    Column("outbox_bytes", BigInteger, nullable=False),
    Column("outbox_oldest_seconds", Float, nullable=False),
    Column("checks", Json, nullable=False),
)
