"""An index for the mutes that have run out: every tick asks for them."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_violations_mutes", "violations", ["status", "muted_until"], unique=False)
