from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from api.audit import MOST_FIELDS, Entry, field_names, listed_entries, record, record_change
from api.audit_table import audit
from api.database import Database
from api.listing import read_list
from api.models import PageQuery
from api.principal import Principal, Role

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENTRY = Entry(NOON, "deployments.change", "PATCH", "/api/v1/deployments/<deployment>", "r1")
ADA = Principal("ada@example.com", Role.OPERATOR, None)


def rows(database: Database, **filters: str) -> list[Any]:
    with database.read() as connection:
        return list(read_list(connection, listed_entries(filters), PageQuery()).rows)


def test_entry_is_written_once_however_many_transactions_there_are(database: Database) -> None:
    for _ in range(2):
        with database.write() as connection:
            record_change(connection, ENTRY.by(ADA), is_first=False)
    (row,) = rows(database)
    assert (row.principal, row.role, row.status, row.changed) == (ADA.name, "operator", None, False)


def test_entry_whose_transaction_failed_is_written_by_the_next(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            record_change(connection, ENTRY, is_first=True)
            raise ValueError("after it")

    with pytest.raises(ValueError, match="after it"):
        fail()
    assert rows(database) == []
    with database.write() as connection:
        record_change(connection, replace(ENTRY, fields=("a",)), is_first=False)
    assert rows(database)[0].fields == ["a"]


def test_entry_is_completed(database: Database) -> None:
    with database.write() as connection:
        record_change(connection, ENTRY, is_first=False)
        record(connection, replace(ENTRY, status=200, reason="x" * 10_000))
        record(connection, replace(ENTRY, id="other", status=404))
    assert {row.status for row in rows(database)} == {200, 404}
    assert max(len(row.reason or "") for row in rows(database)) == 500


def test_entries_are_found_by_what_they_say(database: Database) -> None:
    with database.write() as connection:
        record(connection, ENTRY.by(ADA))
        record(connection, replace(ENTRY, id="other", principal="bob", object_id="prod"))
    assert [row.id for row in rows(database, principal="bob")] == ["other"]
    assert [row.id for row in rows(database, action=ENTRY.action)] == ["other", ENTRY.id]
    assert rows(database, action="x") == []
    with database.read() as connection:
        assert len(connection.execute(select(audit)).all()) == 2


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"name": "a", "config": {"token": "canary"}}, ("name", "config/token")),
        ({"config": {}}, ("config",)),
        ({"a": ["canary"]}, ("a",)),
        ({"x" * 500: 1}, ("x" * 100,)),
        ({"a\0b": 1}, ("ab",)),
        ({}, ()),
        ([1], None),
        (None, None),
        ("canary", None),
    ],
)
def test_names_are_kept_and_values_never(body: Any, names: Any) -> None:
    assert field_names(body) == names


def test_names_are_bounded() -> None:
    body = {str(number): {str(inner): 1 for inner in range(1000)} for number in range(1000)}
    assert len(field_names(body) or ()) == MOST_FIELDS
