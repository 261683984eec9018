"""The table of who changed what."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from api.tables import Id, Json, UtcDateTime, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("principal", String(200), nullable=False),
    Column("role", String(16)),  # null: nobody who is known
    Column("token_id", Id),
    Column("action", String(100), nullable=False),  # such as deployments.update
    Column("method", String(16), nullable=False),
    Column("route", Text, nullable=False),
    Column("object_kind", String(64)),
    Column("object_id", String(200)),
    Column("fields", Json),  # names of what was sent, never values
    Column("changed", Boolean, nullable=False),  # whether a change was committed with the row
    Column("status", Integer),
    Column("reason", Text),
    Column("request_id", String(64), nullable=False),
    Index("ix_audit_changed", "changed", "at", "id"),
    Index("ix_audit_principal", "principal", "changed", "at", "id"),
    Index("ix_audit_action", "action", "changed", "at", "id"),
    Index("ix_audit_object", "object_id", "changed", "at", "id"),
)
