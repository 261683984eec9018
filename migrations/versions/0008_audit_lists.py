"""Indexes for every filter of the audit log."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NEW = (
    ("ix_audit_changed", ("changed", "at", "id")),
    ("ix_audit_action", ("action", "changed", "at", "id")),
)
LONGER = (("ix_audit_principal", "principal"), ("ix_audit_object", "object_id"))


def upgrade() -> None:
    for name, column in LONGER:
        op.drop_index(name, "audit")
        op.create_index(name, "audit", [column, "changed", "at", "id"])
    for name, columns in NEW:
        op.create_index(name, "audit", list(columns))
    op.drop_index("ix_audit_at", "audit")


def downgrade() -> None:
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    for name, _ in reversed(NEW):
        op.drop_index(name, "audit")
    for name, column in LONGER:
        op.drop_index(name, "audit")
        op.create_index(name, "audit", [column, "at", "id"])
