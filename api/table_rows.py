"""Rows of any table of any revision as lines of JSON, the same for both databases."""

import base64
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    func,
    select,
    text,
)

from api.recording import JsonText, insert_rows
from api.tables import Json, UtcDateTime

PART_BYTES = 4 * 1024 * 1024
UNLISTED = frozenset({"alembic_version"})
Row = Mapping[str, Any]


def read_tables(connection: Connection) -> list[Table]:
    """Return the tables that there are, each after those that it refers to."""
    found = MetaData()
    found.reflect(connection)
    return [_typed(table) for table in found.sorted_tables if table.name not in UNLISTED]


def row_count(connection: Connection, table: Table) -> int:
    """Count the rows."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def dump_rows(connection: Connection, table: Table) -> Iterator[tuple[int, bytes]]:
    """Yield all rows in parts of a bounded size: how many, and their lines."""
    write = {column.name: _writer(column) for column in table.columns}
    options = {"stream_results": True, "yield_per": 500}
    lines: list[bytes] = []
    size = 0
    for row in connection.execute(select(table), execution_options=options).mappings():
        values = {name: write[name](value) for name, value in row.items() if value is not None}
        lines.append(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())
        size += len(lines[-1])
        if size >= PART_BYTES:
            yield len(lines), b"\n".join(lines)
            lines, size = [], 0
    if lines:
        yield len(lines), b"\n".join(lines)


def load_rows(connection: Connection, table: Table, part: bytes) -> int:
    """Insert the rows of one part; return how many."""
    read = {column.name: _reader(column) for column in table.columns}
    rows: list[Row] = []
    absent = {column.name: _absent(column) for column in table.columns}
    for line in part.split(b"\n"):
        values = json.loads(line)
        rows.append(
            {
                name: absent[name] if (value := values.get(name)) is None else read[name](value)
                for name in read
            }
        )
    insert_rows(connection, table, rows)
    return len(rows)


@contextmanager
def triggers_off(connection: Connection, tables: Collection[Table]) -> Iterator[None]:
    """Let no trigger of PostgreSQL's tables act; the transaction has to end after an error."""
    is_postgresql = connection.dialect.name == "postgresql"
    quote = connection.dialect.identifier_preparer.quote
    for act in ("DISABLE", "ENABLE"):
        for table in tables if is_postgresql else ():
            connection.exec_driver_sql(f"ALTER TABLE {quote(table.name)} {act} TRIGGER USER")
        if act == "DISABLE":
            yield


def continue_numbers(connection: Connection, tables: Iterable[Table]) -> None:
    """Let PostgreSQL number new rows after the ones that were loaded."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key:
            named = {"table": table.name, "column": column.name}
            serial = text("SELECT pg_get_serial_sequence(quote_ident(:table), :column)")
            if sequence := connection.execute(serial, named).scalar():
                last = connection.execute(select(func.max(column))).scalar()
                moved = text("SELECT setval(:sequence, :last, :used)")
                values = {"sequence": sequence, "last": last or 1, "used": last is not None}
                connection.execute(moved, values)


def _typed(found: Table) -> Table:
    """Return the table with the types by which the API itself reads and writes it."""
    columns = [
        Column(column.name, _type(column), primary_key=column.primary_key, nullable=column.nullable)
        for column in found.columns
    ]
    return Table(found.name, MetaData(), *columns)


def _type(column: Column[Any]) -> Any:
    if isinstance(column.type, JSON):
        return Json
    return UtcDateTime() if isinstance(column.type, DateTime) else column.type


def _absent(column: Column[Any]) -> Any:
    """Return what stands for None: where there must be a value, JSON has one."""
    return JsonText("null") if column.type is Json and not column.nullable else None


def _writer(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, UtcDateTime):
        return datetime.isoformat
    if isinstance(column.type, LargeBinary):
        return lambda value: base64.b64encode(value).decode()
    return lambda value: value


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, UtcDateTime):
        return lambda value: datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(column.type, LargeBinary):
        return base64.b64decode
    return lambda value: value
