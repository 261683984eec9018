from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.api.hand_clock import HandClock

pytestmark = pytest.mark.one_database


def names(desk: "Desk", **query: Any) -> list[str]:
    answer = desk.client.get("/api/v1/deployments", query_string=query)
    return [one["name"] for one in desk.good(answer)["items"]]


def test_deployments_are_sorted_and_filtered(desk: "Desk", clock: "HandClock") -> None:
    for name in ("b", "a", "c"):
        clock.move(minutes=1)
        desk.deploy(name, enabled=name != "c")
    assert names(desk) == ["c", "a", "b", "nightly"]
    assert names(desk, sort="created_at") == ["nightly", "b", "a", "c"]
    assert names(desk, sort="-name") == ["nightly", "c", "b", "a"]
    assert names(desk, state="paused") == ["c"]
    assert names(desk, since="2026-03-02T12:01:00Z", until="2026-03-02T13:02:00+01:00") == ["b"]
    assert len(names(desk, integration="tool")) == 4


def test_violations_are_filtered_by_several_values(desk: "Desk") -> None:
    for task, severity in (("one", "high"), ("two", "low"), ("three", "critical")):
        desk.run({"name": task, "verdict": "fail", "severity": severity})
    found = desk.violations(severity=["high", "low"])
    assert [one["task"] for one in found] == ["one", "two"]
    assert desk.violations(severity="low", min_severity="high") == []
    assert [one["task"] for one in desk.violations(task=["two"], integration="tool")] == ["two"]
    assert desk.violations(until="2026-03-02T12:00:00Z") == []
    assert len(desk.violations(sort="first_seen", deployment="nightly", status="open")) == 3


@pytest.mark.parametrize(
    "query",
    [
        "violations?task=x",
        "violations?task=x&integration=tool&sort=first_seen",
        "violations?sort=message",
        "violations?since=1772452800",
        "jobs?since=yesterday",
        "jobs?until=2026-03-02T12:00:00",
        "jobs?sort=-status",
        "deployments?sort=name&since=2026-03-02T12:00:00Z",
        "deployments?" + "&".join(["integration=tool"] * 11),
        "integrations?sort=state",
    ],
)
def test_what_no_index_serves_is_refused_with_advice(desk: "Desk", query: str) -> None:
    answer = desk.client.get(f"/api/v1/{query}")
    assert answer.status_code == 422
    assert answer.get_json()["errors"]
