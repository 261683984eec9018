import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Row, event, insert

from api.audit import listed_entries
from api.audit_table import audit
from api.database import Database
from api.deliveries import DeliveryStatus, listed_deliveries
from api.deployments import WantedDeployments, listed_deployments
from api.integrations import IntegrationState, listed_integrations
from api.jobs import JobStatus, WantedJobs, listed_jobs
from api.listing import Scope, Selection, Span, part_statement, read_list, shape_of, statement
from api.listing import _values as values_of
from api.migrate import migrate
from api.models import PageQuery
from api.recording import insert_rows
from api.standing import DeploymentState
from api.tables import deployments, integrations, jobs, violations
from api.verdicts import ViolationStatus
from api.violations import SortedBy, Wanted, listed_violations
from api.webhook_tables import deliveries, webhooks
from tests.postgres import PostgreSQL
from utils.tasks import Severity

if TYPE_CHECKING:
    from tests.api.desk import Desk

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS = 6_000
SPAN = Span(NOON, NOON + timedelta(minutes=50))
SCOPES = [
    Scope(),
    Scope(deployment_ids=("d-1",)),
    Scope(deployment_ids=("d-1", "d-2")),
    Scope(integrations=("tool-1", "tool-2")),
]
VIOLATION_LISTS = [
    Wanted([ViolationStatus.OPEN] if tasks else [], severities, scope, tasks, span, by, descending)
    for (severities, span), scope, tasks, by, descending in product(
        ((None, Span()), ([Severity.HIGH, Severity.LOW], Span()), (None, SPAN)),
        SCOPES,
        ([], ["task-1", "task-2"]),
        SortedBy,
        (True, False),
    )
    if (scope == Scope() and not tasks)
    or (descending and not (tasks and (scope == Scope() or by is SortedBy.FIRST_SEEN)))
]
LISTS: list[Selection] = [
    *map(listed_violations, VIOLATION_LISTS),
    *(
        listed_jobs(WantedJobs(statuses, scope, span, descending))
        for statuses, scope, span, descending in product(
            ([], [JobStatus.FAILED, JobStatus.PARTIAL]), SCOPES, (Span(), SPAN), (True, False)
        )
    ),
    *(
        listed_deployments(WantedDeployments(states, names, by_name, Span(), descending))
        for states, names, by_name, descending in product(
            ([], [DeploymentState.PAUSED]), ((), ("tool-1",)), (True, False), (True, False)
        )
    ),
    *(
        listed_entries({name: "of-1"} if name else {}, changed=changed, span=span)
        for name, changed, span in product(
            (None, "principal", "action", "object_id"), (None, False), (Span(), SPAN)
        )
    ),
    *(
        listed_deliveries(states, webhook_id)
        for states, webhook_id in product(([], [DeliveryStatus.DEAD]), (None, "w-1"))
    ),
    *(
        listed_integrations(states, descending=descending)
        for states, descending in product(([], [IntegrationState.READY]), (True, False))
    ),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database with so much in it that its planner has reasons to use indexes."""
    folder = tmp_path_factory.mktemp("lists")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'trueline.db'}"
        if request.param == "postgresql":
            server: PostgreSQL = request.getfixturevalue("postgresql")
            name = server.create()
            stack.callback(server.drop, name)
            url = server.url(name)
        database = Database(url)
        stack.callback(database.close)
        fill(database)
        yield database


def fill(database: Database) -> None:
    migrate(database)
    with database.write() as connection:
        insert_rows(connection, integrations, [integration(number) for number in range(4_000)])
        insert_rows(connection, deployments, [deployment(number) for number in range(4_000)])
        insert_rows(connection, jobs, [job(number) for number in range(ROWS)])
        insert_rows(connection, audit, [entry(number) for number in range(ROWS)])
        insert_rows(connection, webhooks, [webhook(number) for number in range(5)])
        insert_rows(connection, deliveries, [delivery(number) for number in range(ROWS)])
        insert_rows(connection, violations, [violation(number) for number in range(ROWS)])
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def integration(number: int) -> dict[str, Any]:
    return {
        "name": f"tool-{number}",
        "title": "Tool",
        "description": "",
        "enabled": True,
        "schema": {},
        "state": list(IntegrationState)[number % 4],
        "created_at": NOON,
        "updated_at": NOON,
    }


def deployment(number: int) -> dict[str, Any]:
    return {
        "id": f"d-{number}",
        "name": f"name-{number * 1777 % 10_000:04}",  # of one length: collations agree
        "integration": f"tool-{number % 5}",
        "config": {},
        "timezone": "UTC",
        "enabled": True,
        "state": list(DeploymentState)[number % 3],
        "created_at": NOON + timedelta(seconds=number // 3),
        "updated_at": NOON,
    }


def job(number: int) -> dict[str, Any]:
    return {
        "id": f"job-{number:06}",
        "kind": "scan",
        "deployment_id": f"d-{number % 10}",
        "deployment_name": "nightly",
        "integration": f"tool-{number % 5}",
        "status": list(JobStatus)[number // 10 % 6],
        "attempt": 0,
        "losses": 0,
        "trigger": "manual",
        "cancel_requested": False,
        "created_at": NOON + timedelta(seconds=number // 3),
    }


def entry(number: int) -> dict[str, Any]:
    return {
        "id": f"entry-{number:06}",
        "at": NOON + timedelta(seconds=number // 3),
        **dict.fromkeys(("principal", "action", "object_id"), f"of-{number % 5}"),
        "method": "POST",
        "route": "/",
        "changed": number // 5 % 2 == 0,
        "request_id": "r",
    }


def webhook(number: int) -> dict[str, Any]:
    return {
        "id": f"w-{number}",
        "name": f"webhook-{number}",
        "kind": "webhook",
        "address": "https://example.com",
        "sealed": {},
        "types": [],
        "job_statuses": [],
        "enabled": True,
        "failures": 0,
        "created_at": NOON,
        "updated_at": NOON,
    }


def delivery(number: int) -> dict[str, Any]:
    return {
        "id": f"delivery-{number:06}",
        "webhook_id": f"w-{number % 5}",
        "event_id": "e",
        "type": "dev.trueline.job.finished",
        "event": {},
        "status": list(DeliveryStatus)[number // 5 % 3],
        "attempts": 1,
        **dict.fromkeys(("due_at", "since"), NOON),
        "created_at": NOON + timedelta(seconds=number // 3),
    }


def violation(number: int) -> dict[str, Any]:
    severity = list(Severity)[number // 40 % 4]
    return {
        "id": f"violation-{number:06}",
        "fingerprint": str(number),
        "integration": f"tool-{number % 5}",
        "deployment_id": f"d-{number % 10}",
        "deployment_name": "nightly",
        "task": f"task-{number // 160 % 4}",
        "title": "",
        "resource_id": str(number),
        "severity": severity.value,
        "severity_rank": severity.rank,
        "status": list(ViolationStatus)[number // 10 % 4],
        "first_seen": NOON + timedelta(seconds=number % 1_000),
        "last_seen": NOON + timedelta(seconds=number // 3),
        "occurrences": 1,
        "job_id": "j",
    }


@dataclass(frozen=True)
class Plans:
    """How the database reads what it is asked for."""

    database: Database

    def lines(self, wanted: Any, values: dict[str, Any]) -> list[str]:
        """Return the steps of a plan, each with its conditions."""
        said: list[tuple[Any, Any]] = []
        with self.database.read() as connection:
            if connection.dialect.name == "postgresql":  # it would sort a part of a few rows
                connection.exec_driver_sql("SET LOCAL enable_bitmapscan TO off")
            event.listen(
                connection, "before_cursor_execute", lambda *args: said.append((args[2], args[3]))
            )
            connection.execute(wanted, values).all()
            ((text, given),) = said
            if connection.dialect.name == "sqlite":
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)
                return [str(row[3]) for row in rows]
            rows = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {text}", given)
            return list(nodes(rows.scalar_one()[0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[str]:
    keys = ("Node Type", "Relation Name", "Index Cond", "Filter")
    yield json.dumps({key: plan[key] for key in keys if key in plan})
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def last_of(database: Database, wanted: Selection) -> list[Any]:
    """Return where the first page of a list ends."""
    with database.read() as connection:
        row = read_list(connection, wanted, PageQuery(limit=20)).rows[-1]
        return [row._mapping[column] for column in wanted.order.columns]


@pytest.mark.parametrize("number", range(len(LISTS)))
def test_any_page_is_read_from_an_index_without_a_sort(filled: Database, number: int) -> None:
    wanted, plans = LISTS[number], Plans(filled)
    last = last_of(filled, wanted)
    shape = shape_of(wanted, last)
    values = values_of(wanted, last, 21)
    for part in (shape.parts[0], shape.parts[-1]):
        check_part(plans.lines(part_statement(shape, part), values), len(shape.splits))
    whole = plans.lines(statement(shape), values)
    if not (wanted.table in {deployments, integrations} and "Hash" in str(whole)):
        # (a table as small as those two is as quickly read as a whole)
        assert not [it for it in whole if f"SCAN {wanted.table.name}" in it], whole
        assert not [it for it in whole if "Seq Scan" in it], whole


def check_part(lines: list[str], splits: int) -> None:
    if lines[0].startswith("SEARCH"):
        (line,) = lines  # a sort would be another
        assert line.count("=?") == splits
        return
    assert len(lines) == 2, lines
    limit, scan = lines
    assert '"Limit"' in limit
    assert re.search('"Node Type": "Index (Only )?Scan', scan), scan
    assert "Filter" not in scan
    assert scan.count(" = ") == splits, scan


def expected(database: Database, wanted: Selection) -> list[Any]:
    """Return the whole list as a plain loop over all rows would sort it."""
    with database.read() as connection:
        rows = connection.execute(wanted.table.select()).all()
    names = [column.key for column in wanted.order.columns]
    time = next(name for name in names if name not in {it.column.name for it in wanted.splits})
    found = [row for row in rows if is_wanted(row, wanted, time)]
    found.sort(key=lambda row: [getattr(row, n) for n in names], reverse=wanted.order.descending)
    return [getattr(row, names[-1]) for row in found]


def is_wanted(row: Row[Any], wanted: Selection, time: str) -> bool:
    if any(getattr(row, it.column.name) not in it.values for it in wanted.splits):
        return False
    span = wanted.span
    return (span.since is None or getattr(row, time) >= span.since) and (
        span.until is None or getattr(row, time) < span.until
    )


@pytest.mark.parametrize("number", range(0, len(LISTS), 5))
def test_pages_show_each_row_once_and_in_order(filled: Database, number: int) -> None:
    wanted = LISTS[number]
    found: list[Any] = []
    cursor = None
    with filled.read() as connection:
        while True:
            page = read_list(connection, wanted, PageQuery(limit=497, cursor=cursor))
            found += [row._mapping[wanted.order.columns[-1]] for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert found == expected(filled, wanted)
    assert found


def test_pages_over_the_routes_show_each_job_once_whatever_their_statuses(
    desk: "Desk", database: Database
) -> None:
    with database.write() as connection:
        rows = [job(number) | {"deployment_id": "d"} for number in range(60)]
        connection.execute(insert(jobs), rows)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 7, "status": [*JobStatus, JobStatus.FAILED]}
    while True:
        page = desk.good(desk.client.get("/api/v1/jobs", query_string=query))
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [f"job-{number:06}" for number in reversed(range(60))]


OTHER_LISTS: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda query: query | {"sort": "created_at"},
    lambda query: query | {"status": "failed"},
    lambda query: query | {"since": "2026-01-01T00:00:00Z"},
    lambda query: query | {"integration": "tool"},
]


@pytest.mark.parametrize("change", OTHER_LISTS)
def test_cursor_of_a_list_with_another_sort_or_filter_is_refused(
    desk: "Desk", database: Database, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    with database.write() as connection:
        connection.execute(insert(jobs), [job(number) for number in range(9)])
    first = desk.good(desk.client.get("/api/v1/jobs?limit=2"))
    query = {"cursor": first["next_cursor"]}
    assert len(desk.good(desk.client.get("/api/v1/jobs", query_string=query))["items"]) == 7
    answer = desk.client.get("/api/v1/jobs", query_string=change(query))
    assert answer.status_code == 422
    assert "another sort or other filters" in answer.get_json()["detail"]


def test_list_of_nothing_is_empty(filled: Database) -> None:
    with filled.read() as connection:
        page = read_list(
            connection, listed_jobs(WantedJobs(scope=Scope(deployment_ids=()))), PageQuery()
        )
    assert (list(page.rows), page.next_cursor) == ([], None)
