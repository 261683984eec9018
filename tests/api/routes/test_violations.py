from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.api.desk import Desk


@pytest.fixture
def found(desk: "Desk") -> list[str]:
    """Find things of every severity, the mildest last."""
    severities = ("medium", "critical", "low", "high")
    desk.deploy("weekly")
    desk.run(*({"name": it, "verdict": "fail", "severity": it} for it in severities))
    desk.clock.move(hours=1)
    desk.run({"name": "later", "verdict": "fail", "severity": "high"}, deployment="weekly")
    return ["critical", "later", "high", "medium", "low"]


def tasks(desk: "Desk", **query: Any) -> list[str]:
    return [violation["task"] for violation in desk.violations(**query)]


def test_the_worst_comes_first_and_of_equals_the_latest(desk: "Desk", found: list[str]) -> None:
    assert tasks(desk) == found


@pytest.mark.usefixtures("found")
def test_violations_are_filtered(desk: "Desk") -> None:
    assert tasks(desk, min_severity="high") == ["critical", "later", "high"]
    assert tasks(desk, severity="high") == ["later", "high"]
    assert tasks(desk, severity="high", min_severity="critical") == []
    assert tasks(desk, deployment="weekly") == ["later"]
    worst = desk.violations()[0]["id"]
    desk.good(desk.client.patch(f"/api/v1/violations/{worst}", json={"status": "acknowledged"}))
    assert tasks(desk, status="acknowledged") == ["critical"]
    assert tasks(desk, status=["open", "acknowledged"])[0] == "critical"
    assert "critical" not in tasks(desk, status="open")
    assert desk.client.get("/api/v1/violations?status=closed").status_code == 422


@pytest.mark.parametrize("query", [{}, {"severity": "high"}])
def test_pages_follow_one_another(desk: "Desk", found: list[str], query: dict[str, Any]) -> None:
    expected = ["later", "high"] if query else found
    seen: list[str] = []
    cursor: str | None = None
    while True:
        asked = query | {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = desk.good(desk.client.get("/api/v1/violations", query_string=asked))
        seen += [violation["task"] for violation in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == expected


@pytest.mark.usefixtures("found")
def test_one_violation_is_read_and_decided_about(desk: "Desk") -> None:
    violation = desk.violations()[0]
    path = f"/api/v1/violations/{violation['id']}"
    assert desk.good(desk.client.get(path)) == violation
    until = "2026-04-01T00:00:00+02:00"
    mute = {"status": "muted", "reason": "moving", "until": until}
    muted = desk.good(desk.client.patch(path, json=mute))
    assert muted["status"] == "muted"
    assert (muted["note"], muted["muted_until"]) == ("moving", "2026-03-31T22:00:00.000Z")
    assert desk.good(desk.client.get(path)) == muted


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "resolved"},
        {"status": "muted"},
        {"status": "muted", "reason": "x", "until": "2020-01-01T00:00:00Z"},
        {"status": "muted", "reason": "x", "until": "2030-01-01T00:00:00"},
        {"status": "open", "severity": "low"},
        {"status": "acknowledged", "reason": "a\0b"},
    ],
)
@pytest.mark.usefixtures("found")
def test_a_decision_that_makes_no_sense_is_refused(desk: "Desk", body: dict[str, Any]) -> None:
    violation = desk.violations()[0]
    path = f"/api/v1/violations/{violation['id']}"
    answer = desk.client.patch(path, json=body)
    assert answer.status_code == 422, answer.json
    assert answer.json is not None
    assert answer.json["errors"]
    assert desk.good(desk.client.get(path)) == violation


def test_an_unknown_violation_is_not_found(desk: "Desk") -> None:
    assert desk.client.get("/api/v1/violations/x").status_code == 404
    answer = desk.client.patch("/api/v1/violations/x", json={"status": "open"})
    assert answer.status_code == 404
