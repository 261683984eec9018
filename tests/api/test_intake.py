import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from api.acceptance import Report
from api.database import Database
from api.events import read_events
from api.intake import record_reports
from api.leases import Held
from api.tables import events, integrations, task_results

if TYPE_CHECKING:
    from tests.api.desk import Desk


@pytest.fixture
def lease(desk: "Desk") -> dict[str, Any]:
    desk.start()
    (lease,) = desk.lease()
    return lease


def held(lease: dict[str, Any]) -> Held:
    return Held(lease["job_id"], lease["attempt"], lease["token"])


def number_of_events(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(events)).scalar_one()


def test_a_whole_job_is_recorded(desk: "Desk", lease: dict[str, Any]) -> None:
    desk.good(desk.send(lease, desk.started(lease)))
    assert desk.job(lease["job_id"])["commit"] == "c" * 40
    assert desk.job(lease["job_id"])["isolation"] == "process"
    data = {"servers": ["a", "b"]}
    result = desk.finished(lease, "check", data=data, logs=["one"], verdict="fail")
    answer = desk.good(desk.send(lease, result, desk.ended(lease)))
    assert answer["outcomes"][0] == {
        "job_id": lease["job_id"],
        "attempt": 1,
        "status": "recorded",
        "last_seq": 3,
        "reason": None,
    }
    job = desk.job(lease["job_id"])
    assert (job["status"], job["worker"], job["error"]) == ("success", "w1", None)
    assert job["summary"]["tasks"] == {"success": 1, "failed": 0, "skipped": 0, "timeout": 0}
    assert job["summary"]["verdicts"] == {"pass": 0, "fail": 1, "unknown": 0}
    assert job["summary"]["violations"] == {"opened": 1, "seen": 0, "resolved": 0}
    tasks = desk.good(desk.client.get(f"/api/v1/jobs/{job['id']}/tasks"))["items"]
    assert tasks == [result["result"] | {"large_data": None}]


def test_an_event_of_a_finished_task_leaves_the_data_to_the_result(
    desk: "Desk", database: Database, lease: dict[str, Any]
) -> None:
    desk.good(desk.send(lease, desk.finished(lease, "check", data={"big": "x" * 1000})))
    with database.read() as connection:
        (event,) = read_events(connection, lease["job_id"])
    assert event.payload["result"] == {
        "name": "check",
        "title": "Check",
        "type": "insight",
        "status": "success",
        "verdict": "pass",
        "severity": "high",
        "message": None,
        "duration_seconds": 0.1,
        "reason": None,
        "cause": None,
    }


def test_a_report_sent_twice_is_recorded_once_with_the_same_answer(
    desk: "Desk", database: Database, lease: dict[str, Any]
) -> None:
    report = [desk.started(lease), desk.finished(lease, "check", verdict="fail"), desk.ended(lease)]
    first, second = (desk.good(desk.send(lease, *report)) for _ in range(2))
    assert first == second
    assert number_of_events(database) == 3
    assert [violation["occurrences"] for violation in desk.violations()] == [1]


def test_a_gap_is_refused_and_filled_from_the_answer(desk: "Desk", lease: dict[str, Any]) -> None:
    report = [desk.event(lease, "task_started", task=f"t{number}") for number in range(4)]
    desk.good(desk.send(lease, *report[:1]))
    refused = desk.send(lease, *report[2:])
    assert refused.status_code == 409
    assert refused.json is not None
    assert refused.json["outcomes"][0]["last_seq"] == 1
    filled = desk.good(desk.send(lease, *report[1:]))
    assert filled["outcomes"][0]["last_seq"] == 4


def test_reports_of_many_jobs_are_decided_one_by_one(desk: "Desk", database: Database) -> None:
    for _ in range(3):
        desk.start()
    first, second, third = desk.lease(slots=3)
    stolen = Held(second["job_id"], second["attempt"], "guess")
    reports = [
        Report(held(first), [desk.started(first)]),
        Report(stolen, [desk.started(second)]),
        Report(held(third), [desk.started(third), {"nonsense": True}]),
    ]
    intake = record_reports(database, reports, desk.clock.now)
    assert [outcome.status for outcome in intake.outcomes] == ["recorded", "refused", "refused"]
    statuses = [desk.job(lease["job_id"])["status"] for lease in (first, second, third)]
    assert statuses == ["running", "running", "failed"]


def test_a_worker_that_reports_nonsense_ends_its_job_with_the_place(
    desk: "Desk", lease: dict[str, Any]
) -> None:
    twins = [{"id": "a"}, {"id": "a"}]
    wrong = desk.finished(lease, "check", verdict="fail", resources=twins)
    good = desk.finished(lease, "other", verdict="fail")
    good["seq"], wrong["seq"] = 1, 2
    assert desk.send(lease, good, wrong).status_code == 409
    job = desk.job(lease["job_id"])
    assert job["status"] == "failed"
    assert "resource id 'a' occurs more than once" in job["error"]["reason"]
    assert "/events/1/" in job["error"]["reason"]
    assert [violation["task"] for violation in desk.violations()] == ["other"]
    assert desk.send(lease, desk.ended(lease)).status_code == 409


def test_a_task_that_the_integration_does_not_have_is_refused(
    desk: "Desk", database: Database, lease: dict[str, Any]
) -> None:
    with database.write() as connection:
        known = {"commit": "c" * 40, "tasks": [{"name": "check"}]}
        connection.execute(update(integrations).values(known))
    desk.send(lease, desk.started(lease), desk.finished(lease, "check"), desk.finished(lease, "x"))
    assert "task 'x' is not one of" in desk.job(lease["job_id"])["error"]["reason"]


def test_a_cancelled_job_is_named_until_it_ends(desk: "Desk", lease: dict[str, Any]) -> None:
    job_id = lease["job_id"]
    assert desk.good(desk.send(lease, desk.started(lease)))["cancelled"] == []
    desk.good(desk.client.post(f"/api/v1/jobs/{job_id}/cancel"))
    told = desk.good(desk.send(lease, desk.event(lease, "task_started", task="t")))
    assert told["cancelled"] == [job_id]
    last = desk.good(desk.send(lease, desk.ended(lease, "cancelled")))
    assert last["cancelled"] == []
    assert desk.job(job_id)["status"] == "cancelled"


@pytest.mark.parametrize("hours", [-2, 2])
def test_times_of_a_job_stay_between_its_lease_and_now(
    desk: "Desk", lease: dict[str, Any], hours: int
) -> None:
    leased_at = desk.clock.now
    desk.clock.move(seconds=5)
    wrong = (desk.clock.now + timedelta(hours=hours)).isoformat()
    begin, end = desk.started(lease) | {"at": wrong}, desk.ended(lease) | {"at": wrong}
    desk.good(desk.send(lease, begin, end))
    job = desk.job(lease["job_id"])
    expected = leased_at if hours < 0 else desk.clock.now
    for name in ("started_at", "finished_at"):
        assert job[name] == expected.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_progress_of_a_task_is_one_of_the_jobs_events(desk: "Desk", lease: dict[str, Any]) -> None:
    begin = desk.started(lease)
    told = desk.event(lease, "progress", task="t", done=3, total=None)
    desk.good(desk.send(lease, begin, told, desk.ended(lease)))
    page = desk.client.get(f"/api/v1/jobs/{lease['job_id']}/events").text
    (line,) = (line for line in page.splitlines() if '"progress"' in line)
    event = json.loads(line.partition(":")[2])
    assert (event["task"], event["done"], event["total"]) == ("t", 3, None)


def test_what_a_job_reached_stands_in_it_and_goes_with_its_attempt(
    desk: "Desk", lease: dict[str, Any]
) -> None:
    row = {"host": "a.example", "port": 443, "allowed": True, "reason": None}
    row |= {"connections": 1, "bytes_sent": 10, "bytes_received": 2**33}
    network = {"egress": "declared", "hosts": ["a.example"], "reached": [row], "omitted": 0}
    begin = desk.started(lease)
    told = desk.event(lease, "network", **network, complete=True)
    desk.good(desk.send(lease, begin, told))
    assert desk.job(lease["job_id"])["network"] == network | {"complete": True}
    stolen = lease | {"token": "x" * 43}
    refused = desk.send(stolen, desk.event(lease, "network", **network, complete=False))
    assert refused.status_code == 409
    desk.good(desk.client.post("/api/v1/leases/release", json=released(lease)))
    assert desk.job(lease["job_id"])["network"] == network | {"complete": True}
    desk.lease()
    assert desk.job(lease["job_id"])["network"] is None


def released(lease: dict[str, Any]) -> dict[str, Any]:
    held = {name: lease[name] for name in ("job_id", "attempt", "token")}
    return {"worker": "w1", "leases": [held]}


def test_results_keep_the_order_in_which_tasks_ended(
    desk: "Desk", database: Database, lease: dict[str, Any]
) -> None:
    desk.good(desk.send(lease, desk.finished(lease, "z"), desk.finished(lease, "b")))
    desk.good(desk.send(lease, desk.finished(lease, "a")))
    with database.read() as connection:
        places = connection.execute(
            select(task_results.c.position, task_results.c.name).order_by(task_results.c.position)
        ).all()
    assert [tuple(row) for row in places] == [(0, "z"), (1, "b"), (2, "a")]


def test_a_deeply_nested_result_can_be_stored_and_read(desk: "Desk", lease: dict[str, Any]) -> None:
    data: dict[str, Any] = {}
    for _ in range(190):
        data = {"in": data}
    desk.good(desk.send(lease, desk.finished(lease, "deep", data=data), desk.ended(lease)))
    tasks = desk.good(desk.client.get(f"/api/v1/jobs/{lease['job_id']}/tasks"))["items"]
    assert tasks[0]["data"] == data
