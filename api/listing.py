"""Lists that cost the same however they are filtered and wherever in them a page stands."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Subquery, Table, select, union_all

from api.tables import deployments

Condition = ColumnElement[bool]


def listed(table: Table, parts: Iterable[Condition], conditions: Iterable[Condition]) -> Subquery:
    """Return the rows of `table` that are in one of the parts and meet all of the conditions.

    Parts don't overlap; each is read in the order of an index, and the database merges them.
    """
    these = tuple(conditions)
    return union_all(*(select(table).where(part, *these) for part in parts)).subquery("listed")


def deployment_id_of(connection: Connection, key: str) -> str:
    """Return the id of the deployment with this id or name; a deleted one is known by its id."""
    named = select(deployments.c.id).where(deployments.c.name == key)
    found: str | None = connection.execute(named).scalar()
    return found or key
