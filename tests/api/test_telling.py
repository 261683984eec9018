from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, select

import api.telling
from api.database import Database
from api.webhook_tables import deliveries

if TYPE_CHECKING:
    from tests.api.desk import Desk


def add(desk: "Desk", name: str, **fields: Any) -> None:
    body = {"name": name, "url": "https://example.com/hook"} | fields
    desk.good(desk.client.post("/api/v1/webhooks", json=body))


def queued(desk: "Desk", name: str) -> list[str]:
    rows = desk.good(desk.client.get(f"/api/v1/deliveries?limit=500&webhook={name}"))["items"]
    return sorted(row["type"].removeprefix("dev.trueline.") for row in rows)


def failing(severity: str, *resources: str) -> dict[str, Any]:
    found = [{"id": one} for one in resources] or None
    return {"name": severity, "verdict": "fail", "severity": severity, "resources": found}


def test_each_is_told_what_passes_its_filters(desk: "Desk") -> None:
    desk.deploy("other")
    filters: dict[str, dict[str, Any]] = {
        "all": {},
        "worse": {"min_severity": "high"},
        "opened": {"types": ["dev.trueline.violation.opened"]},
        "other": {"deployment": "other"},
        "tool": {"integration": "tool"},
        "failed": {"job_statuses": ["failed"], "types": ["dev.trueline.job.finished"]},
        "off": {"enabled": False},
    }
    for name, fields in filters.items():
        add(desk, name, **fields)
    desk.run(failing("low"), failing("critical"))
    opened, finished = "violation.opened", "job.finished"
    assert {name: queued(desk, name) for name in filters} == {
        "all": [finished, opened, opened],
        "worse": [finished, opened],
        "opened": [opened, opened],
        "other": [],
        "tool": [finished, opened, opened],
        "failed": [],
        "off": [],
    }


def test_where_nobody_wants_anything_the_end_of_a_job_costs_one_read(
    desk: "Desk", database: Database
) -> None:
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    desk.run(failing("low", *map(str, range(50))))
    about = [one for one in said if "webhooks" in one or "deliveries" in one]
    assert len(about) == 1
    assert about[0].startswith("SELECT")


def test_queue_of_one_receiver_is_bounded_and_others_are_not_touched(
    desk: "Desk", database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(desk, "full", deployment="nightly")
    monkeypatch.setattr(api.telling, "MOST_WAITING", 3)
    desk.run(failing("low", "a", "b", "c", "d", "e"))
    add(desk, "free")
    desk.run(failing("low", "f"))
    with database.read() as connection:
        by_name = select(deliveries.c.webhook_id, func.count()).group_by(deliveries.c.webhook_id)
        counts = sorted(count for _, count in connection.execute(by_name))
    assert len(queued(desk, "full")) == 3
    assert counts == [3, 3]
