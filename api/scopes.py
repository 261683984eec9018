"""Finds whose rows a list asks for: those of deployments, of integrations, or of all."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, select

from api.deployments import deployment_id_of
from api.integrations import find_integration
from api.listing import Scope
from api.tables import deployments


def find_scope(
    connection: Connection, table: Table, wanted: Sequence[str], integrations: Sequence[str]
) -> Scope:
    """Return whose rows of `table` are wanted; raises NotFound for what nobody has heard of.

    Deployments are given by id or name. Where integrations are given too, those of others are left
    out: a deployment keeps its integration, so that its rows need not be looked through.
    """
    for name in integrations:
        find_integration(connection, name)
    if not wanted:
        return Scope(integrations=tuple(dict.fromkeys(integrations)) or None)
    ids = dict.fromkeys(deployment_id_of(connection, key) for key in wanted)
    return Scope(
        tuple(
            id_
            for id_ in ids
            if not integrations or _integration_of(connection, table, id_) in integrations
        )
    )


def _integration_of(connection: Connection, table: Table, deployment_id: str) -> str | None:
    """Return a deployment's integration; any row tells it of one that was deleted."""
    known = select(deployments.c.integration).where(deployments.c.id == deployment_id)
    kept = select(table.c.integration).where(table.c.deployment_id == deployment_id).limit(1)
    found = connection.execute(known).scalar() or connection.execute(kept).scalar()
    return str(found) if found else None
