import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from api.database import Database
from api.task_results import (
    TaskResult,
    count_results,
    discard_results,
    read_results,
    shown_in_event,
    task_statuses,
)

if TYPE_CHECKING:
    from tests.api.desk import Desk

COLLECTED: dict[str, Any] = {
    "name": "list_items",
    "title": "List items",
    "type": "collector",
    "status": "success",
    "data": {"items": [1]},
    "duration_seconds": 0.1,
}


def test_a_collector_has_neither_verdict_nor_resources() -> None:
    assert TaskResult.model_validate(COLLECTED).verdict is None
    for change in ({"verdict": "pass"}, {"resources": [{"id": "a"}]}):
        with pytest.raises(ValidationError, match="a collector has neither"):
            TaskResult.model_validate(COLLECTED | change)


def test_an_event_keeps_what_a_follower_shows_and_no_data() -> None:
    shown = json.loads(shown_in_event(TaskResult.model_validate(COLLECTED)))
    assert shown["status"] == "success"
    assert not shown.keys() & {"data", "resources", "logs", "errors", "partial"}


def test_results_are_counted_by_status_and_by_verdict(desk: "Desk", database: Database) -> None:
    job_id = desk.run(
        {"name": "a", "type": "collector", "verdict": None},
        {"name": "b", "verdict": "fail"},
        {"name": "c", "verdict": "unknown", "status": "timeout"},
        {"name": "d", "verdict": "unknown"},
    )
    with database.write() as connection:
        assert count_results(connection, job_id) == {
            "tasks": {"success": 3, "failed": 0, "skipped": 0, "timeout": 1},
            "verdicts": {"pass": 0, "fail": 1, "unknown": 2},
        }
        assert [result["name"] for result in read_results(connection, job_id)] == list("abcd")
        statuses = task_statuses(connection, [job_id, "other"])
        assert statuses == {
            job_id: {"a": "success", "b": "success", "c": "timeout", "d": "success"},
            "other": {},
        }
        discard_results(connection, [job_id])
        assert read_results(connection, job_id) == []


def test_nothing_asked_for_needs_no_query(database: Database) -> None:
    with database.read() as connection:
        assert task_statuses(connection, []) == {}
