from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Subquery, insert, tuple_

from api.database import Database
from api.jobs import JobStatus, listed_jobs
from api.tables import jobs
from api.verdicts import ViolationStatus
from api.violations import Wanted, listed_violations
from tests.databases import check_index_is_used, explain
from utils.tasks import Severity

if TYPE_CHECKING:
    from tests.api.conftest import Desk

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
JOB_LISTS: list[Callable[[], Subquery]] = [
    lambda: listed_jobs([], None, None),
    lambda: listed_jobs([], "d", None),
    lambda: listed_jobs([], None, "tool"),
    lambda: listed_jobs([], "d", "tool"),
    lambda: listed_jobs([JobStatus.FAILED], None, None),
    lambda: listed_jobs([JobStatus.FAILED, JobStatus.PARTIAL], "d", None),
]
VIOLATION_LISTS = [
    Wanted(),
    Wanted([ViolationStatus.OPEN]),
    Wanted([ViolationStatus.OPEN, ViolationStatus.MUTED], min_severity=Severity.HIGH),
    Wanted(severity=Severity.LOW),
    Wanted(integration="tool"),
    Wanted(integration="tool", deployment_id="d"),
    Wanted(deployment_id="d", severity=Severity.LOW, min_severity=Severity.LOW),
]


def plan(database: Database, listed: Subquery, names: list[str], last: tuple[Any, ...]) -> str:
    """Return how the database would read a page that is not the first."""
    columns = [listed.c[name] for name in names]
    statement = listed.select().where(tuple_(*columns) < last)
    statement = statement.order_by(*(column.desc() for column in columns)).limit(51)
    compiled = statement.compile(database.engine, compile_kwargs={"literal_binds": True})
    with database.read() as connection:
        return explain(connection, str(compiled).replace("%", "%%"))


def check(found: str) -> None:
    check_index_is_used(found)
    assert "id)<(" in found or "Index Cond: (ROW(" in found or ", id) < ROW(" in found, found


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("make", JOB_LISTS)
def test_any_page_of_jobs_is_read_from_an_index_without_sorting(
    database: Database, make: Callable[[], Subquery]
) -> None:
    check(plan(database, make(), ["created_at", "id"], (NOON, "x")))


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("wanted", VIOLATION_LISTS)
def test_any_page_of_violations_is_read_from_an_index_without_sorting(
    database: Database, wanted: Wanted
) -> None:
    found, order = listed_violations(wanted)
    last = (1, NOON, "x")[-len(order.columns) :]
    check(plan(database, found, [column.name for column in order.columns], last))


def test_rows_of_a_deployment_are_found_by_it_even_where_their_integration_is_asked_for(
    database: Database,
) -> None:
    wanted = Wanted(integration="tool", deployment_id="d")
    found, order = listed_violations(wanted)
    names = [column.name for column in order.columns]
    for by in (
        plan(database, found, names, (1, NOON, "x")),
        plan(database, listed_jobs([], "d", "tool"), ["created_at", "id"], (NOON, "x")),
    ):
        assert "deployment_id=?" in by or "deployment_id)::text = 'd'" in by, by
        assert "integration=?" not in by
        assert "_integration on" not in by


def test_pages_show_each_job_once_in_order_whatever_their_statuses(
    desk: "Desk", database: Database
) -> None:
    with database.write() as connection:
        connection.execute(insert(jobs), [row(desk, number) for number in range(60)])
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 7, "status": [*JobStatus, JobStatus.FAILED]}
    while True:
        query_page = desk.good(desk.client.get("/api/v1/jobs", query_string=query))
        seen += [job["id"] for job in query_page["items"]]
        if query_page["next_cursor"] is None:
            break
        query["cursor"] = query_page["next_cursor"]
    assert seen == [f"job-{number:03}" for number in reversed(range(60))]


def row(desk: "Desk", number: int) -> dict[str, Any]:
    """Make a job; three in a row have the same time."""
    return {
        "id": f"job-{number:03}",
        "kind": "scan",
        "deployment_id": "d",
        "deployment_name": "nightly",
        "integration": "tool",
        "status": list(JobStatus)[number % 6],
        "attempt": 0,
        "losses": 0,
        "trigger": "manual",
        "cancel_requested": False,
        "created_at": desk.clock.now + timedelta(seconds=number // 3),
    }
