from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from api.acceptance import Report
from api.database import Database
from api.folding import DATA_LIMIT_BYTES
from api.intake import record_reports
from api.leases import Held
from api.tables import verdicts

if TYPE_CHECKING:
    from tests.api.desk import Desk


def failing(name: str = "check", *resources: str, **fields: Any) -> dict[str, Any]:
    listed = [{"id": id_, "message": f"{id_} is wrong"} for id_ in resources]
    return {"name": name, "verdict": "fail", "resources": listed or None, "message": "m"} | fields


def passing(name: str = "check", **fields: Any) -> dict[str, Any]:
    return {"name": name, "verdict": "pass"} | fields


def unknown(name: str = "check") -> dict[str, Any]:
    return {"name": name, "verdict": "unknown", "status": "failed"}


def statuses(desk: "Desk") -> dict[str, str]:
    return {violation["resource_id"]: violation["status"] for violation in desk.violations()}


def test_a_fail_opens_a_violation_that_says_all_about_it(desk: "Desk") -> None:
    job_id = desk.run(failing(data={"n": 1}, severity="critical"))
    (violation,) = desk.violations()
    now = desk.clock.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert violation.pop("id")
    assert violation.pop("deployment_id")
    assert violation == {
        "integration": "tool",
        "deployment_name": "nightly",
        "task": "check",
        "title": "Check",
        "resource_id": "",
        "severity": "critical",
        "status": "open",
        "message": "m",
        "data": {"n": 1},
        "note": None,
        "muted_until": None,
        "first_seen": now,
        "last_seen": now,
        "resolved_at": None,
        "occurrences": 1,
        "job_id": job_id,
    }


def test_what_is_seen_again_is_counted_and_refreshed(desk: "Desk") -> None:
    desk.run(failing("check", "a", severity="low"))
    (before,) = desk.violations()
    desk.clock.move(hours=1)
    again = {"id": "a", "message": "worse", "severity": "critical", "data": {"n": 2}}
    job_id = desk.run(failing() | {"resources": [again], "title": "Renamed"})
    (after,) = desk.violations()
    assert (after["id"], after["first_seen"]) == (before["id"], before["first_seen"])
    assert after["last_seen"] > before["last_seen"]
    assert (after["occurrences"], after["severity"], after["message"]) == (2, "critical", "worse")
    assert (after["data"], after["job_id"], after["title"]) == ({"n": 2}, job_id, "Renamed")


def test_a_resource_without_words_of_its_own_has_those_of_the_insight(desk: "Desk") -> None:
    desk.run(failing() | {"resources": [{"id": "a"}], "severity": None})
    (violation,) = desk.violations()
    assert (violation["message"], violation["severity"]) == ("m", "medium")


def test_violations_are_resolved_by_a_pass_and_by_no_longer_being_listed(desk: "Desk") -> None:
    desk.run(failing("check", "a", "b"), failing("other", "x"))
    desk.run(failing("check", "b"))
    assert statuses(desk) == {"a": "resolved", "b": "open", "x": "open"}
    job_id = desk.run(passing())
    assert statuses(desk) == {"a": "resolved", "b": "resolved", "x": "open"}
    summary = desk.job(job_id)["summary"]["violations"]
    assert summary == {"opened": 0, "seen": 0, "resolved": 1}


def test_a_resolved_violation_opens_again_as_the_same_one(desk: "Desk") -> None:
    desk.run(failing())
    (first,) = desk.violations()
    desk.run(passing())
    assert desk.violations()[0]["resolved_at"] is not None
    desk.run(failing())
    (again,) = desk.violations()
    assert (again["id"], again["first_seen"]) == (first["id"], first["first_seen"])
    assert (again["status"], again["occurrences"], again["resolved_at"]) == ("open", 2, None)


@pytest.mark.parametrize("result", [unknown(), passing(partial=["page 2 is missing"])])
def test_what_could_not_tell_leaves_violations_alone(desk: "Desk", result: dict[str, Any]) -> None:
    desk.run(failing("check", "a"))
    before = desk.violations()
    desk.run(result)
    assert desk.violations() == before


def test_a_partial_fail_resolves_nothing(desk: "Desk") -> None:
    desk.run(failing("check", "a"))
    desk.run(failing("check", "b", partial=["page 2 is missing"]))
    assert statuses(desk) == {"a": "open", "b": "open"}


def test_decisions_hold_while_a_violation_is_seen_and_end_with_it(desk: "Desk") -> None:
    desk.run(failing("check", "a", "b"))
    ids = {violation["resource_id"]: violation["id"] for violation in desk.violations()}
    acknowledged = {"status": "acknowledged", "reason": "on it"}
    muted = {"status": "muted", "reason": "fine", "until": "2026-03-02T14:00:00Z"}
    desk.good(desk.client.patch(f"/api/v1/violations/{ids['a']}", json=acknowledged))
    desk.good(desk.client.patch(f"/api/v1/violations/{ids['b']}", json=muted))
    desk.run(failing("check", "a", "b"))
    assert statuses(desk) == {"a": "acknowledged", "b": "muted"}
    desk.clock.move(hours=3)
    desk.run(failing("check", "a", "b"))
    assert statuses(desk) == {"a": "acknowledged", "b": "open"}
    (opened,) = desk.violations(status="open")
    assert (opened["note"], opened["muted_until"]) == (None, None)


def test_a_job_that_started_earlier_does_not_overrule_a_later_one(desk: "Desk") -> None:
    desk.start()
    (early,) = desk.lease()
    desk.clock.move(minutes=1)
    desk.run(passing(), failing("other", "x"))
    desk.clock.move(minutes=1)
    late_news = [
        desk.finished(early, **failing("check", "a")),
        desk.finished(early, **passing("other")),
        desk.finished(early, **failing("third", "y")),
    ]
    desk.good(desk.send(early, *late_news, desk.ended(early)))
    assert statuses(desk) == {"x": "open", "y": "open"}


def test_a_cancelled_job_folds_what_it_found(desk: "Desk") -> None:
    desk.start()
    (lease,) = desk.lease()
    found = desk.finished(lease, **failing("check", "a"))
    desk.good(desk.send(lease, found, desk.ended(lease, "cancelled")))
    assert statuses(desk) == {"a": "open"}


def test_deployments_do_not_share_violations(desk: "Desk") -> None:
    desk.deploy("weekly")
    desk.run(failing("check", "a"))
    desk.run(failing("check", "a"), deployment="weekly")
    desk.run(passing(), deployment="weekly")
    found = {(it["deployment_name"], it["status"]) for it in desk.violations()}
    assert found == {("nightly", "open"), ("weekly", "resolved")}


def test_large_data_stays_in_the_result(desk: "Desk") -> None:
    desk.run(failing(data={"x": "y" * DATA_LIMIT_BYTES}))
    (violation,) = desk.violations()
    assert violation["data"]["size_bytes"] > DATA_LIMIT_BYTES


def test_thousands_of_resources_are_folded_at_once(desk: "Desk") -> None:
    ids = [f"r{number}" for number in range(2_000)]
    for _ in range(2):
        desk.run(failing("check", *ids))
    job_id = desk.run(failing("check", *ids[1_000:], "new"))
    summary = desk.job(job_id)["summary"]["violations"]
    assert summary == {"opened": 1, "seen": 1_000, "resolved": 1_000}


def test_the_latest_verdict_of_an_insight_is_kept_once(desk: "Desk", database: Database) -> None:
    desk.run(failing())
    job_id = desk.run(passing(), unknown("other"))
    with database.read() as connection:
        rows = connection.execute(verdicts.select()).all()
    assert [(row.task, row.verdict, row.job_id) for row in rows] == [("check", "pass", job_id)]


def test_jobs_that_end_at_the_same_time_are_folded_one_after_another(
    desk: "Desk", database: Database
) -> None:
    desk.deploy("weekly")
    for number in range(16):
        desk.start(("nightly", "weekly")[number % 2])
    leases = desk.lease(slots=16)
    reports = [
        Report(
            Held(lease["job_id"], lease["attempt"], lease["token"]),
            [desk.finished(lease, **failing("check", "a", "b")), desk.ended(lease)],
        )
        for lease in leases
    ]
    batches = [reports[at : at + 2][:: (-1) ** at] for at in range(0, 16, 2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda batch: record_reports(database, batch, desk.clock.now), batches))
    assert [violation["occurrences"] for violation in desk.violations()] == [8] * 4
