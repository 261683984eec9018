"""The table of answers that are kept under their Idempotency-Key."""

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text

from api.tables import UtcDateTime, metadata

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("caller", String(200), primary_key=True),
    Column("route", String(100), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("location", Text),
    Column("body", LargeBinary),  # null: it held a secret
    Column("created_at", UtcDateTime, nullable=False, index=True),
)
