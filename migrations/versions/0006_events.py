"""Events: webhooks, deliveries, pushes that forges have sent, looks at the source."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_webhooks()
    _create_deliveries()
    op.create_table(
        "pushes",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("forge", sa.String(length=16), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pushes")),
    )
    op.create_index(op.f("ix_pushes_received_at"), "pushes", ["received_at"])
    op.create_table(
        "looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_looks")),
    )


def downgrade() -> None:
    for table in ("looks", "pushes", "deliveries", "webhooks"):
        op.drop_table(table)


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("sealed", JSON, nullable=False),
        sa.Column("types", JSON, nullable=False),
        sa.Column("integration", sa.String(length=64), nullable=True),
        sa.Column("deployment_id", sa.String(length=36), nullable=True),
        sa.Column("min_severity", sa.String(length=16), nullable=True),
        sa.Column("job_statuses", JSON, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("problem", JSON, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rest_until", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("name", name=op.f("uq_webhooks_name")),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("event", JSON, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=True),
        sa.Column("answer", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name=op.f("fk_deliveries_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    for name, *columns in (
        ("due", "webhook_id", "status", "due_at"),
        ("old", "status", "since"),
        ("listed", "status", "created_at", "id"),
        ("webhook", "webhook_id", "status", "created_at", "id"),
    ):
        op.create_index(f"ix_deliveries_{name}", "deliveries", columns)
