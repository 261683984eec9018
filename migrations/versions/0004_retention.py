"""What retention has done, and the indexes by which it finds what is old."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_table(
        "retention",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mark", sa.String(length=80), nullable=True),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention")),
    )
    op.create_index("ix_jobs_finished", "jobs", ["finished_at", "id"])
    op.create_index("ix_violations_job", "violations", ["job_id"])
    op.create_index("ix_violations_resolved", "violations", ["resolved_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_violations_resolved", table_name="violations")
    op.drop_index("ix_violations_job", table_name="violations")
    op.drop_index("ix_jobs_finished", table_name="jobs")
    op.drop_table("retention")
