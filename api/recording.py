"""Writes many rows of one table at once, as fast as the database's driver takes them.

Types stay SQLAlchemy's: each value goes through the bind processor of its column. Only the loop
around them is ours, column by column. Another database's bulk path belongs here and nowhere else.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from types import NoneType
from typing import Any

from sqlalchemy import Column, Connection, Dialect, String, Table, insert
from sqlalchemy.exc import DBAPIError

COPY_ROWS = 8  # from so many on PostgreSQL's COPY is faster than its INSERT

Values = Sequence[Any]
Convert = Callable[[Values], Values]  # of a whole column
_AS_THEY_ARE = frozenset({str, NoneType})


class JsonText(str):
    """JSON text for a JSON column, encoded already."""

    __slots__ = ()


def encoded_json(value: Any) -> str:
    """Encode what goes into a JSON column; every engine of ours uses it."""
    if type(value) is JsonText:
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns."""
    if not rows:
        return
    plan = _plan(table, connection.dialect, tuple(rows[0]))
    if connection.dialect.driver == "psycopg" and len(rows) >= COPY_ROWS:
        _copy(connection, plan, rows)
    elif plan.is_positional:
        connection.exec_driver_sql(plan.sql, plan.values(rows))
    else:
        names = [name for name, _ in plan.columns]
        named = [dict(zip(names, row, strict=True)) for row in plan.values(rows)]
        connection.exec_driver_sql(plan.sql, named)


def _copy(connection: Connection, plan: "_Plan", rows: Sequence[Mapping[str, Any]]) -> None:
    """Bring rows in with PostgreSQL's COPY; errors are SQLAlchemy's, as everywhere."""
    driver_error = connection.dialect.loaded_dbapi.Error
    try:
        with closing(connection.connection.cursor()) as cursor, cursor.copy(plan.copy) as copy:
            for row in plan.values(rows):
                copy.write_row(row)
    except driver_error as error:
        raise DBAPIError.instance(
            plan.copy,
            None,
            error,
            driver_error,
            hide_parameters=True,
            dialect=connection.dialect,
        ) from error


@dataclass(frozen=True)
class _Plan:
    """How rows with these columns are inserted by one dialect's driver."""

    sql: str
    copy: str
    columns: tuple[tuple[str, Convert | None], ...]  # in the order of the parameters
    is_positional: bool

    def values(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """Return the rows as the driver takes them."""
        names = [name for name, _ in self.columns]
        whole = itemgetter(*names, names[0])  # of a single name it would make no tuple
        columns = zip(*map(whole, rows), strict=True)
        converted = [
            column if convert is None else convert(column)
            for (_, convert), column in zip(self.columns, columns, strict=False)
        ]
        return list(zip(*converted, strict=True))


@lru_cache(maxsize=64)
def _plan(table: Table, dialect: Dialect, columns: tuple[str, ...]) -> _Plan:
    compiled = insert(table).compile(dialect=dialect, column_keys=list(columns))
    order = compiled.positiontup or columns
    converts = [_convert(table.c[name], dialect) for name in order]
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in order)
    return _Plan(
        sql=str(compiled),
        copy=f"COPY {quote(table.name)} ({names}) FROM STDIN",
        columns=tuple(zip(order, converts, strict=True)),
        is_positional=bool(compiled.positiontup),
    )


def _convert(column: Column[Any], dialect: Dialect) -> Convert | None:
    """Return what makes of a column's values what the driver takes; None: they are that."""
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    if convert is None:
        return _exact_texts if isinstance(column.type, String) else None
    process = convert
    return lambda values: [process(one) for one in values]


def _exact_texts(values: Values) -> Values:
    # Drivers take twice as long for subclasses of str, such as members of a StrEnum.
    if _AS_THEY_ARE.issuperset(map(type, values)):
        return values
    return [one if one is None else str(one) for one in values]
