from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
)

from api import table_rows
from api.database import Database
from api.table_rows import continue_numbers, dump_rows, load_rows, read_tables, row_count
from api.tables import Json, UtcDateTime

SAMPLES = Table(
    "samples",
    MetaData(),
    Column("id", Integer, Identity(), primary_key=True),
    Column("text", String(50)),
    Column("at", UtcDateTime),
    Column("value", Json, nullable=False),
    Column("maybe", Json),
    Column("content", LargeBinary),
    Column("is_so", Boolean),
    Column("share", Float),
)
FULL = {
    "id": 7,
    "text": "é\n\t\\ \u2028",
    "at": datetime(2026, 3, 29, 1, 30, 0, 5, UTC),
    "value": {"b": [1, 2.5, None, "x\n"], "a": {}, "big": 2**60},
    "maybe": [],
    "content": bytes(range(256)),
    "is_so": False,
    "share": 0.1,
}
EMPTY = dict.fromkeys(FULL) | {"id": 9, "value": 0}


def test_rows_come_back_as_they_were_on_either_database(
    empty_database_url: str, monkeypatch: object
) -> None:
    assert monkeypatch
    database = Database(empty_database_url)
    with database.write() as connection:
        SAMPLES.create(connection)
        connection.execute(insert(SAMPLES), [FULL, EMPTY])
        (table,) = read_tables(connection)
        ((count, part),) = dump_rows(connection, table)
        connection.execute(SAMPLES.delete())
        assert (count, row_count(connection, table)) == (2, 0)
        assert load_rows(connection, table, part) == 2
        found = connection.execute(select(SAMPLES).order_by(SAMPLES.c.id)).mappings().all()
        assert [dict(row) for row in found] == [FULL, EMPTY]
        continue_numbers(connection, [table])
        connection.execute(insert(SAMPLES), [{"value": 1}])
        ids = connection.execute(select(SAMPLES.c.id).order_by(SAMPLES.c.id)).scalars().all()
    assert ids == [7, 9, 10]
    database.close()


def test_parts_are_bounded(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    before = table_rows.PART_BYTES
    table_rows.PART_BYTES = 2000
    try:
        with database.write() as connection:
            SAMPLES.create(connection)
            connection.execute(
                insert(SAMPLES), [{"value": "x" * 100, "id": n} for n in range(1, 101)]
            )
            parts = list(dump_rows(connection, read_tables(connection)[0]))
    finally:
        table_rows.PART_BYTES = before
        database.close()
    assert sum(count for count, _ in parts) == 100
    assert max(len(part) for _, part in parts) < 3000
