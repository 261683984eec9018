"""What a change of integrations means for their deployments: paused, in need, or running again."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from api.config_secrets import SecretBox
from api.configs import Judged, judge_stored
from api.standing import Timing, disabled_note, standing
from api.tables import deployments, integrations
from utils.notes import Note


def reconsider(
    connection: Connection, names: Collection[str], secrets: SecretBox, now: datetime
) -> None:
    """Compute the standing of the integrations' deployments anew; only what changed is written."""
    if not names:
        return
    statement = (
        select(
            deployments,
            integrations.c.enabled.label("integration_enabled"),
            integrations.c.schema.label("schema"),
        )
        .join(integrations, integrations.c.name == deployments.c.integration)
        .where(deployments.c.integration.in_(names))
        .with_for_update(of=deployments)
    )
    for row in connection.execute(statement).all():
        judged = judge_stored(secrets, row.schema, row)
        columns = _columns(row, judged, now) | judged.columns(secrets, connection, row.id)
        if any(getattr(row, name) != value for name, value in columns.items()):
            this = deployments.c.id == row.id
            values = {**columns, "updated_at": now}
            connection.execute(update(deployments).where(this).values(values))


def _columns(row: Row[Any], judged: Judged, now: datetime) -> dict[str, Any]:
    stands = standing(
        Timing(row.schedule, row.timezone, row.created_at, row.next_due_at),
        now,
        wanted=row.enabled,
        integration_fault=None if row.integration_enabled else disabled_note(row.integration),
        config_fault=judged.fault or (Note(**row.fault) if row.fault else None),
    )
    return dict(stands.columns())
