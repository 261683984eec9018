"""Lists that cost the same however they are filtered and wherever in them a page stands."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Subquery, Table, select, union_all

Condition = ColumnElement[bool]


def listed(table: Table, parts: Iterable[Condition], conditions: Iterable[Condition]) -> Subquery:
    """Return the rows of `table` that are in one of the parts and meet all of the conditions.

    Parts don't overlap; each is read in the order of an index, and the database merges them.
    """
    these = tuple(conditions)
    return union_all(*(select(table).where(part, *these) for part in parts)).subquery("listed")


def whose(table: Table, deployment_id: str | None, integration: str | None) -> list[Condition]:
    """Return the conditions for the rows of a deployment, of an integration, or of both.

    A deployment keeps its integration, so the index by deployment finds what both ask for. SQLite
    would take the one by integration and pass over all rows of other deployments: the empty text
    that is added hides the column from it.
    """
    if deployment_id is None:
        return [] if integration is None else [table.c.integration == integration]
    conditions = [table.c.deployment_id == deployment_id]
    if integration is not None:
        conditions.append(table.c.integration + "" == integration)
    return conditions
