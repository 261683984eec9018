"""Lists by cursor: a page costs the same wherever in the list it stands."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, literal, tuple_
from sqlalchemy.sql.elements import KeyedColumnElement

from api.models import PageQuery
from api.problems import FieldError, Unprocessable
from api.storable import storable_time, storage_fault
from api.tables import UtcDateTime

LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True)
class Order:
    """The columns that a list is sorted by; together they name a row, and an index has them."""

    columns: tuple[KeyedColumnElement[Any], ...]
    descending: bool = True

    def by(self) -> list[ColumnElement[Any]]:
        """Return what ORDER BY takes."""
        return [c.desc() if self.descending else c.asc() for c in self.columns]


@dataclass(frozen=True)
class Page:
    """One part of a list; `next_cursor` asks for the part after it, None at the end."""

    rows: Sequence[Row[Any]]
    next_cursor: str | None


def read_page(
    connection: Connection, statement: Select[Any], order: Order, query: PageQuery
) -> Page:
    """Read the rows that follow the query's cursor; `statement` selects the order's columns."""
    last = read_cursor(query, order)
    if last is not None:
        statement = statement.where(_after(order, last))
    rows = connection.execute(statement.order_by(*order.by()).limit(query.limit + 1)).all()
    return page_of(rows, order, query)


def page_of(rows: Sequence[Row[Any]], order: Order, query: PageQuery, about: str = "") -> Page:
    """Make a page of the rows read, of which one more than the limit tells that others follow."""
    if len(rows) <= query.limit:
        return Page(rows, None)
    return Page(rows[: query.limit], _encode(rows[query.limit - 1], order, about))


def read_cursor(query: PageQuery, order: Order, about: str = "") -> list[Any] | None:
    """Return where the page before has ended, None for the first page.

    `about` names the list, with its sort and its filters: a cursor of another one is refused.
    """
    if query.cursor is None:
        return None
    try:
        padded = query.cursor.encode() + b"=" * (-len(query.cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded))
        if about and values.pop(0) != about:
            raise _refused("this cursor belongs to a list with another sort or other filters")
        return [_typed(value, column) for value, column in zip(values, order.columns, strict=True)]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise _refused("this is not a cursor of this list") from error


def _after(order: Order, values: Sequence[Any]) -> Any:
    here = tuple_(*order.columns)
    last = tuple_(
        *(literal(value, column.type) for value, column in zip(values, order.columns, strict=True))
    )
    return here < last if order.descending else here > last


def _encode(row: Row[Any], order: Order, about: str) -> str:
    values = [row._mapping[column] for column in order.columns]  # noqa: SLF001 - public, in spite of its name
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    text = json.dumps([about, *plain] if about else plain)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _refused(message: str) -> Unprocessable:
    return Unprocessable(
        f"cursor: {message}",
        "send `next_cursor` of the page before as it was, with the same sort and filters, or leave "
        "the cursor out",
        errors=[FieldError("/cursor", message)],
    )


def _typed(value: Any, column: KeyedColumnElement[Any]) -> Any:
    if isinstance(column.type, UtcDateTime):
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise ValueError("a naive time")
        return storable_time(time)
    wanted = column.type.python_type
    if type(value) is not wanted:
        raise TypeError(f"{column.key} is not a {wanted.__name__}")
    if storage_fault(value) or (wanted is int and abs(value) > LARGEST_NUMBER):
        raise ValueError(f"{column.key} cannot be in a database")
    return value
