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
