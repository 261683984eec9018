import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from api.database import Database
from api.recording import COPY_ROWS, JsonText, encoded_json, insert_rows
from api.tables import events, jobs, task_results
from utils.results import Verdict

if TYPE_CHECKING:
    from tests.api.desk import Desk

EAST = timezone(timedelta(hours=9))


def result_row(job_id: str, name: str, result: Any) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "name": name,
        "position": 0,
        "attempt": 1,
        "type": "insight",
        "status": "success",
        "verdict": Verdict.PASS,
        "severity": None,
        "duration_seconds": 0.5,
        "result": result,
    }


def test_rows_are_what_sqlalchemy_itself_would_store(desk: "Desk", database: Database) -> None:
    one, other = desk.start(), desk.start()
    at = datetime(2026, 3, 2, 21, 0, 0, 5, EAST)
    value = {"é": [1, None, "x\n"]}
    with database.write() as connection:
        rows = [
            {"job_id": one, "attempt": 1, "seq": 1, "type": "output", "at": at, "payload": value}
        ]
        insert_rows(connection, events, rows)
        connection.execute(insert(events), [row | {"job_id": other} for row in rows])
        raw = connection.exec_driver_sql("SELECT attempt, seq, type, at, payload FROM events").all()
        found = connection.execute(select(events.c.at, events.c.payload)).all()
    assert raw[0] == raw[1]
    assert [tuple(row) for row in found] == [(at.astimezone(UTC), value)] * 2


def test_json_text_is_stored_as_it_is(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    rows = [
        result_row(job_id, "text", JsonText('{"a": 1}')),
        result_row(job_id, "object", {"b": 2}),
        result_row(job_id, "none", JsonText("[]")),
    ]
    with database.write() as connection:
        insert_rows(connection, task_results, rows)
        found = connection.execute(
            select(task_results.c.result, task_results.c.verdict).order_by(task_results.c.name)
        ).all()
    assert [row.result for row in found] == [[], {"b": 2}, {"a": 1}]
    assert {row.verdict for row in found} == {"pass"}


@pytest.mark.parametrize("count", [COPY_ROWS - 1, COPY_ROWS])
def test_the_same_rows_are_stored_by_insert_and_by_copy(database: Database, count: int) -> None:
    value = {"é": [1, None, "tab\t line\n back\\slash"]}
    job = {"id": "j", "kind": "scan", "deployment_id": "d", "deployment_name": "d", "attempt": 1}
    job |= {"integration": "i", "status": "running", "losses": 0, "trigger": "manual"}
    job |= {"cancel_requested": False, "created_at": datetime(2026, 3, 2, 21, 0, 0, 5, EAST)}
    rows = [result_row("j", f"t{n}", JsonText(json.dumps(value))) for n in range(count)]
    with database.write() as connection:
        insert_rows(connection, jobs, [job])
        insert_rows(connection, task_results, rows)
    with database.read() as connection:
        found = connection.execute(select(task_results)).mappings().all()
        assert connection.execute(select(jobs.c.created_at)).scalar_one() == job["created_at"]
    assert [{name: row[name] for name in rows[0]} for row in found] == [
        row | {"result": value} for row in rows
    ]
    with pytest.raises(IntegrityError), database.write() as connection:
        insert_rows(connection, task_results, rows)


def test_nothing_is_asked_for_no_rows(database: Database) -> None:
    with database.read() as connection:
        insert_rows(connection, events, [])


def test_a_naive_time_is_refused_and_a_broken_rule_is_sqlalchemys_error(
    desk: "Desk", database: Database
) -> None:
    row = {"job_id": desk.start(), "attempt": 1, "seq": 1, "type": "x", "payload": {}}
    naive = row | {"at": datetime(2026, 1, 1)}  # noqa: DTZ001 - what is refused
    with database.write() as connection, pytest.raises(ValueError, match="naive"):
        insert_rows(connection, events, [naive])
    good = row | {"at": datetime(2026, 1, 1, tzinfo=UTC)}
    with pytest.raises(IntegrityError), database.write() as connection:
        insert_rows(connection, events, [good, good])


def test_encoded_text_is_an_exact_str() -> None:
    assert type(encoded_json(JsonText("{}"))) is str
    assert json.loads(encoded_json({"a": "é"})) == {"a": "é"}
