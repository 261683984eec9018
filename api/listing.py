"""Lists that cost the same however they are filtered and sorted, and wherever a page stands.

An index begins with the columns that filters compare for equality, and ends with those of the sort.
A list is cut into parts, one for each combination of values asked for; the page is among the first
rows of each part, which an index gives in order. No more than that is ever read.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from api.models import PageQuery
from api.paging import Order, Page, page_of, read_cursor

SHAPES = 512  # statements that are kept, made once each


@dataclass(frozen=True)
class Split:
    """A column that the list's index begins with, and the values of it that are asked for."""

    column: Column[Any]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Scope:
    """Deployments by their ids, or integrations by their names; both None: everybody."""

    deployment_ids: tuple[str, ...] | None = None
    integrations: tuple[str, ...] | None = None

    def splits(self, table: Table) -> tuple[Split, ...]:
        """Return how a list of `table` is cut by it."""
        if self.deployment_ids is not None:
            return (Split(table.c.deployment_id, self.deployment_ids),)
        if self.integrations is not None:
            return (Split(table.c.integration, self.integrations),)
        return ()


@dataclass(frozen=True)
class Span:
    """A time from `since` on and before `until`; None leaves an end open."""

    since: datetime | None = None
    until: datetime | None = None


EVERYBODY = Scope()
ALWAYS = Span()


@dataclass(frozen=True)
class Selection:
    """Which rows of a table a list asks for, and how they are sorted.

    `span` bounds the first column of the order that is not split by.
    """

    table: Table
    splits: tuple[Split, ...]
    order: Order
    span: Span = ALWAYS

    def name(self) -> str:
        """Name the list: the same rows in the same order have the same name."""
        splits = [[it.column.name, *map(str, it.values)] for it in self.splits]
        order = [column.key for column in self.order.columns]
        parts = [self.table.name, splits, order, self.order.descending, _times(self.span)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Part:
    """How one part of a list is read: the values by their numbers, and after the cursor or not."""

    numbers: tuple[int, ...]
    after: bool


@dataclass(frozen=True)
class Shape:
    """All of a list that its statement depends on; columns by their names."""

    table: Table
    splits: tuple[str, ...]
    order: tuple[str, ...]
    descending: bool
    bounds: tuple[bool, bool]
    parts: tuple[Part, ...]

    @property
    def own_order(self) -> Order:
        """The order inside of a part, where the columns that are split by have one value."""
        names = [name for name in self.order if name not in self.splits]
        return Order(tuple(self.table.c[name] for name in names), self.descending)


def read_list(connection: Connection, wanted: Selection, query: PageQuery) -> Page:
    """Read one page of a list."""
    name = wanted.name()
    last = read_cursor(query, wanted.order, name)
    shape = shape_of(wanted, last)
    if not shape.parts:
        return Page((), None)
    rows = connection.execute(statement(shape), _values(wanted, last, query.limit + 1)).all()
    return page_of(rows, wanted.order, query, name)


def shape_of(wanted: Selection, last: Sequence[Any] | None) -> Shape:
    """Return the shape of a list after the cursor's values; parts that are past are left out."""
    return Shape(
        table=wanted.table,
        splits=tuple(split.column.name for split in wanted.splits),
        order=tuple(column.key for column in wanted.order.columns),
        descending=wanted.order.descending,
        bounds=(wanted.span.since is not None, wanted.span.until is not None),
        parts=_parts(wanted, last),
    )


@lru_cache(maxsize=SHAPES)
def statement(shape: Shape) -> Select[Any]:
    """Return the statement that reads a page: the rows' keys from an index first, then the rows."""
    first = [select(part_statement(shape, part).subquery()) for part in shape.parts]
    found = union_all(*first).subquery("found")
    order = _ordered(found.c, shape)
    keys = select(found).order_by(*order.by()).limit(bindparam("most")).subquery("keys")
    name = shape.order[-1]
    # An outer join, so that no planner begins with the table.
    return (
        select(shape.table)
        .select_from(keys.outerjoin(shape.table, shape.table.c[name] == keys.c[name]))
        .order_by(*_ordered(keys.c, shape).by())
    )


def part_statement(shape: Shape, part: Part) -> Select[Any]:
    """Return the statement that reads the first keys of one part."""
    columns = [shape.table.c[name] for name in shape.order]
    return (
        select(*columns)
        .where(*_conditions(shape, part))
        .order_by(*shape.own_order.by())
        .limit(bindparam("most"))
    )


def _ordered(columns: ReadOnlyColumnCollection[str, Any], shape: Shape) -> Order:
    return Order(tuple(columns[name] for name in shape.order), shape.descending)


def _parts(wanted: Selection, last: Sequence[Any] | None) -> tuple[Part, ...]:
    counts = [range(len(split.values)) for split in wanted.splits]
    lead = wanted.order.columns[0].key
    leading = [i for i, split in enumerate(wanted.splits) if split.column.name == lead]
    parts = []
    for numbers in product(*counts):
        after = last is not None
        if last is not None and leading:
            value = wanted.splits[leading[0]].values[numbers[leading[0]]]
            if value != last[0] and (value > last[0]) is wanted.order.descending:
                continue
            after = bool(value == last[0])
        parts.append(Part(numbers, after))
    return tuple(parts)


def _conditions(shape: Shape, part: Part) -> list[ColumnElement[bool]]:
    def given(name: str, column: Any) -> Any:
        return bindparam(name, type_=column.type)

    conditions: list[ColumnElement[bool]] = []
    for name, number in zip(shape.splits, part.numbers, strict=True):
        column = shape.table.c[name]
        conditions.append(column == given(f"{name}_{number}", column))
    order = shape.own_order
    time = order.columns[0]
    for is_bound, name in zip(shape.bounds, ("since", "until"), strict=True):
        if is_bound:
            bound = given(name, time)
            conditions.append(time >= bound if name == "since" else time < bound)
    if part.after:
        here = tuple_(*order.columns)
        last = tuple_(*(given(f"last_{column.key}", column) for column in order.columns))
        conditions.append(here < last if order.descending else here > last)
    return conditions


def _values(wanted: Selection, last: Sequence[Any] | None, most: int) -> dict[str, Any]:
    values: dict[str, Any] = {"most": most, "since": wanted.span.since, "until": wanted.span.until}
    for split in wanted.splits:
        values |= {f"{split.column.name}_{i}": value for i, value in enumerate(split.values)}
    for column, value in zip(wanted.order.columns, last or (), strict=False):
        values[f"last_{column.key}"] = value
    return values


def _times(span: Span) -> list[str | None]:
    return [time.isoformat() if time else None for time in (span.since, span.until)]
