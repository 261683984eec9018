import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from api.database import Database
from api.models import PageQuery
from api.paging import Order, read_page
from api.problems import Unprocessable
from api.tables import deployments, integrations, violations
from tests.databases import check_index_is_used, explain

NEWEST = Order((deployments.c.created_at, deployments.c.id))
BY_NAME = Order((deployments.c.name,), descending=False)


@pytest.fixture
def names(database: Database, clock: Any) -> list[str]:
    """Record nine deployments, three of them at each time, and return their names in order."""
    now = clock()
    common = {"title": "T", "description": "", "enabled": True, "created_at": now}
    tool = common | {"name": "tool", "schema": {}, "state": "ready", "updated_at": now}
    rows = [
        {
            "id": f"id-{number}",
            "name": f"name-{number}",
            "integration": "tool",
            "config": {},
            "timezone": "UTC",
            "enabled": True,
            "state": "active",
            "created_at": now + timedelta(seconds=number // 3),
            "updated_at": now,
        }
        for number in range(9)
    ]
    with database.write() as connection:
        connection.execute(insert(integrations).values(tool))
        connection.execute(insert(deployments), rows)
    return [str(row["name"]) for row in rows]


def walk(database: Database, order: Order, limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        with database.read() as connection:
            query = PageQuery(limit=limit, cursor=cursor)
            page = read_page(connection, select(deployments), order, query)
        assert len(page.rows) <= limit
        found += [row.name for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 8, 9, 10])
def test_pages_give_each_row_once_and_in_order(
    database: Database, names: list[str], limit: int
) -> None:
    assert walk(database, BY_NAME, limit) == names
    assert walk(database, NEWEST, limit) == names[::-1]


def test_row_that_comes_meanwhile_moves_nothing(database: Database, names: list[str]) -> None:
    with database.read() as connection:
        first = read_page(connection, select(deployments), BY_NAME, PageQuery(limit=4))
    with database.write() as connection:
        connection.execute(deployments.update().where(deployments.c.id == "id-0").values(name="z"))
        rest = PageQuery(limit=50, cursor=first.next_cursor)
        second = read_page(connection, select(deployments), BY_NAME, rest)
    assert [row.name for row in second.rows] == [*names[4:], "z"]


def test_later_page_is_read_from_the_index_and_not_sorted(
    database: Database, names: list[str]
) -> None:
    said: list[tuple[str, Any]] = []
    with database.read() as connection:
        first = read_page(connection, select(deployments), BY_NAME, PageQuery(limit=4))
        event.listen(
            connection, "before_cursor_execute", lambda *args: said.append((args[2], args[3]))
        )
        rest = PageQuery(limit=4, cursor=first.next_cursor)
        assert len(read_page(connection, select(deployments), BY_NAME, rest).rows) == 4
        ((statement, values),) = said
        plan = explain(connection, statement, values)
    assert names
    check_index_is_used(plan)
    assert "SEARCH" in plan or "Index Cond" in plan


@pytest.mark.parametrize(
    "cursor", ["", "x", "e30", "W10", "WzFd", "WyJhIiwgImIiLCAiYyJd", "bnVsbA", "é", "WyJhIiwyXQ"]
)
def test_made_up_cursor_is_refused(database: Database, cursor: str) -> None:
    with database.read() as connection, pytest.raises(Unprocessable, match="not a cursor"):
        read_page(connection, select(deployments), NEWEST, PageQuery(limit=1, cursor=cursor))


def test_cursor_of_another_list_is_refused(database: Database, names: list[str]) -> None:
    assert names
    with database.read() as connection:
        page = read_page(connection, select(deployments), NEWEST, PageQuery(limit=1))
        other = PageQuery(limit=1, cursor=page.next_cursor)
        with pytest.raises(Unprocessable):
            read_page(connection, select(deployments), BY_NAME, other)


NOW = "2026-03-02T12:00:00+00:00"


@pytest.mark.parametrize(
    "values",
    [
        [10**30, NOW, "x"],
        [1, "0001-01-01T00:00:00+23:59", "x"],
        [1, "9999-12-31T23:59:59-23:59", "x"],
        [1, NOW, "\ud800"],
        [1, NOW, "\0"],
    ],
)
def test_cursor_with_what_no_database_keeps_is_refused(
    database: Database, values: list[Any]
) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
    worst = Order((violations.c.severity_rank, violations.c.last_seen, violations.c.id))
    with database.read() as connection, pytest.raises(Unprocessable, match="not a cursor"):
        read_page(connection, select(violations), worst, PageQuery(limit=1, cursor=cursor))
