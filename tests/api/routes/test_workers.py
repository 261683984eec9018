from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.api.hand_clock import HandClock


def listed(client: FlaskClient) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/workers")
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_a_report_is_listed_and_the_next_one_replaces_it(
    client: FlaskClient, presence: dict[str, Any]
) -> None:
    for jobs in (1, 2):
        answer = client.put("/api/v1/workers/host-1", json=presence | {"jobs_running": jobs})
        assert answer.status_code == 200
    (worker,) = listed(client)
    assert (worker["name"], worker["state"], worker["jobs_running"]) == ("host-1", "running", 2)
    assert worker["checks"] == presence["checks"]
    assert worker["silent_seconds"] == 0


def test_the_home_page_shows_who_is_silent_and_what_is_wrong(
    client: FlaskClient, presence: dict[str, Any], clock: HandClock
) -> None:
    hostile = {"error": "<script>alert(1)</script>", "advice": "mend it", "status": "failed"}
    checks = [presence["checks"][0] | hostile]
    client.put("/api/v1/workers/host-1", json=presence | {"checks": checks})
    clock.move(seconds=100)
    said = client.get("/").text
    assert "100 s ago" in said
    assert "silent" in said
    assert "&lt;script&gt;" in said
    assert "<script>" not in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "silent"},
        {"jobs_running": -1},
        {"started_at": "soon"},
        {"checks": [{"name": "x"}]},
        {"version": "a\0b"},
        {"outbox_oldest_seconds": 1e300},
        {"more": 1},
    ],
)
def test_what_no_worker_says_is_refused(
    client: FlaskClient, presence: dict[str, Any], wrong: dict[str, Any]
) -> None:
    answer = client.put("/api/v1/workers/host-1", json=presence | wrong)
    assert answer.status_code == 422
    assert listed(client) == []
