"""Who asked for a job, which workers there are, and a word when a job's status changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_TELL = """
CREATE FUNCTION trueline_tell_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('trueline_jobs', NEW.status || ' ' || NEW.id);
  RETURN NULL;
END
$$
"""
_TELL_NEW = """
CREATE TRIGGER trueline_tell_new AFTER INSERT ON jobs
FOR EACH ROW EXECUTE FUNCTION trueline_tell_jobs()
"""
_TELL_CHANGED = """
CREATE TRIGGER trueline_tell_changed AFTER UPDATE OF status ON jobs
FOR EACH ROW WHEN (OLD.status <> NEW.status AND NEW.status <> 'running')
EXECUTE FUNCTION trueline_tell_jobs()
"""


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("isolation", sa.String(length=64), nullable=False),
        sa.Column("egress", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("jobs_running", sa.Integer(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("outbox_events", sa.BigInteger(), nullable=False),
        sa.Column("outbox_bytes", sa.BigInteger(), nullable=False),
        sa.Column("outbox_oldest_seconds", sa.Float(), nullable=False),
        sa.Column("checks", JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.add_column("jobs", sa.Column("request_id", sa.String(length=64), nullable=True))
    op.add_column("jobs", sa.Column("traceparent", sa.String(length=55), nullable=True))
    if op.get_context().dialect.name == "postgresql":
        for statement in (_TELL, _TELL_NEW, _TELL_CHANGED):
            op.execute(statement)


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER trueline_tell_changed ON jobs")
        op.execute("DROP TRIGGER trueline_tell_new ON jobs")
        op.execute("DROP FUNCTION trueline_tell_jobs()")
    # Not in a batch: that copies the table, and dropping the old one would take its events along.
    op.drop_column("jobs", "traceparent")
    op.drop_column("jobs", "request_id")
    op.drop_table("workers")
