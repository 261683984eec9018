"""The table of issued tokens, without the tokens, and that of people's sessions."""

from sqlalchemy import Column, ForeignKey, Index, String, Table

from api.tables import Id, UtcDateTime, metadata

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False),  # renewed tokens share it
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),  # to the hour or so
    Index("ix_tokens_created", "created_at", "id"),
    Index("ix_tokens_name", "name"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("key", String(64), primary_key=True),  # the hash of what the cookie says
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("token_id", ForeignKey("tokens.id", ondelete="CASCADE"), index=True),  # logged in with
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)
