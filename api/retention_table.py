"""The table in which retention keeps what it has done, one row for each kind of data."""

from sqlalchemy import BigInteger, Column, String, Table

from api.tables import UtcDateTime, metadata

retention = Table(
    "retention",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("holder", String(64)),  # the API process that is at it
    Column("held_until", UtcDateTime),  # after this another one may take it over
    Column("ran_at", UtcDateTime),  # when it was done last
    Column("mark", String(80)),  # how far a walk has come that need not start again
    Column("removed", BigInteger, nullable=False),  # rows, ever
)
