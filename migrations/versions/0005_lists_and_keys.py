"""Indexes for every sort of the lists; answers kept under their Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LAST_OF_TASK = ("task", "status", "severity_rank", "last_seen", "id")
FIRST = ("status", "severity_rank", "first_seen", "id")
NEW = (
    ("ix_integrations_state", "integrations", ("state", "name")),
    ("ix_deployments_newest", "deployments", ("state", "created_at", "id")),
    ("ix_deployments_named", "deployments", ("state", "name")),
    ("ix_deployments_integration_named", "deployments", ("integration", "state", "name")),
    ("ix_violations_new", "violations", FIRST),
    ("ix_violations_deployment_new", "violations", ("deployment_id", *FIRST)),
    ("ix_violations_integration_new", "violations", ("integration", *FIRST)),
    ("ix_violations_task", "violations", ("integration", *LAST_OF_TASK)),
)
LONGER = (  # each name, its table, its columns now and before
    (
        "ix_deployments_integration",
        "deployments",
        ("integration", "state", "created_at", "id"),
        ("integration",),
    ),
    (
        "ix_violations_insight",
        "violations",
        ("deployment_id", *LAST_OF_TASK),
        ("deployment_id", "task"),
    ),
)


def upgrade() -> None:
    for name, table, now, _ in LONGER:
        op.drop_index(name, table)
        op.create_index(name, table, list(now))
    for name, table, columns in NEW:
        op.create_index(name, table, list(columns))
    op.create_table(
        "kept_answers",
        sa.Column("caller", sa.String(length=200), nullable=False),
        sa.Column("route", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "route", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_created_at"), "kept_answers", ["created_at"])


def downgrade() -> None:
    op.drop_table("kept_answers")
    for name, table, _ in reversed(NEW):
        op.drop_index(name, table)
    for name, table, _, before in LONGER:
        op.drop_index(name, table)
        op.create_index(name, table, list(before))
