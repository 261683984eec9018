"""Lists that cost the same however they are filtered and wherever in them a page stands."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Subquery, Table, select, union_all

from api.tables import deployments


def listed(
    table: Table, statuses: Iterable[str], conditions: Iterable[ColumnElement[bool]]
) -> Subquery:
    """Return the rows of `table` with one of the statuses and all of the conditions.

    One part a status: each is read in the order of an index, and the database merges them.
    """
    these = tuple(conditions)
    parts = [select(table).where(table.c.status == status, *these) for status in statuses]
    return union_all(*parts).subquery("listed")


def deployment_id_of(connection: Connection, key: str) -> str:
    """Return the id of the deployment with this id or name; a deleted one is known by its id."""
    named = select(deployments.c.id).where(deployments.c.name == key)
    found: str | None = connection.execute(named).scalar()
    return found or key
