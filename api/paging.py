"""Lists by cursor: a page costs the same wherever in the list it stands."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, literal, tuple_
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


@dataclass(frozen=True)
class Page:
    """One part of a list; `next_cursor` asks for the part after it, None at the end."""

    rows: Sequence[Row[Any]]
    next_cursor: str | None


def read_page(
    connection: Connection, statement: Select[Any], order: Order, query: PageQuery
) -> Page:
    """Read the rows that follow the query's cursor; `statement` selects the order's columns."""
    if query.cursor is not None:
        statement = statement.where(_after(order, _decode(query.cursor, order)))
    direction = [c.desc() if order.descending else c.asc() for c in order.columns]
    rows = connection.execute(statement.order_by(*direction).limit(query.limit + 1)).all()
    if len(rows) <= query.limit:
        return Page(rows, None)
    return Page(rows[: query.limit], _encode(rows[query.limit - 1], order))


def _after(order: Order, values: Sequence[Any]) -> Any:
    here = tuple_(*order.columns)
    last = tuple_(
        *(literal(value, column.type) for value, column in zip(values, order.columns, strict=True))
    )
    return here < last if order.descending else here > last


def _encode(row: Row[Any], order: Order) -> str:
    values = [row._mapping[column] for column in order.columns]  # noqa: SLF001 - public, in spite of its name
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _decode(cursor: str, order: Order) -> list[Any]:
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded))
        return [_typed(value, column) for value, column in zip(values, order.columns, strict=True)]
    except (ValueError, TypeError, RecursionError) as error:
        message = "this is not a cursor of this list"
        raise Unprocessable(
            f"cursor: {message}",
            "send `next_cursor` of the page before as it was, or leave the cursor out",
            errors=[FieldError("/cursor", message)],
        ) from error


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
