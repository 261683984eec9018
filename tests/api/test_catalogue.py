from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from api.state import State
from api.tables import integrations, sources

URL = "/api/v1/catalogue"
READY = {
    "name": "dns",
    "state": "ready",
    "commit": "c2",
    "tasks": [{"name": "list"}],
    "environment": {"key": "e1", "seconds": 1.5},
    "problem": None,
}
BROKEN = READY | {
    "state": "broken",
    "environment": None,
    "problem": {"reason": "no entry.py", "advice": "add it"},
}


def report(client: FlaskClient, *items: dict[str, Any], **fields: Any) -> Any:
    source = {"url": "file:///r", "ref": "main", "state": "ok", "problem": None}
    body = {"worker": "w", "commit": "c2", "source": source, "isolation": "process"}
    return client.put(URL, json=body | {"integrations": list(items)} | fields)


def dns(client: FlaskClient) -> Any:
    return client.get("/api/v1/integrations/dns").json


def test_ready_integration_shows_what_the_worker_reports(registered: FlaskClient) -> None:
    answer = report(registered, READY, READY | {"name": "new"})
    assert answer.json == {"known": ["dns"], "unknown": ["new"]}
    shown = dns(registered)
    assert shown["state"] == "ready"
    assert shown["tasks"] == [{"name": "list"}]
    known = {"key": "e1", "state": "ready", "seconds": 1.5, "isolation": "process"}
    assert shown["environment"] == known | {"egress": None}


def test_the_tier_that_a_worker_tells_is_shown_while_it_tells_one(registered: FlaskClient) -> None:
    assert dns(registered)["tier"] is None
    report(registered, READY | {"tier": "gold"})
    assert dns(registered)["tier"] == "gold"
    assert "tier" not in dns(registered)["environment"]
    assert "<td>gold</td>" in registered.get("/").text
    report(registered, READY | {"tier": None})
    assert dns(registered)["tier"] is None
    assert report(registered, READY | {"tier": "diamond"}).status_code == 422


def test_egress_of_a_worker_is_shown_with_what_it_runs(registered: FlaskClient) -> None:
    report(registered, READY, egress="declared")
    assert dns(registered)["environment"]["egress"] == "declared"


def test_health_shows_how_far_jobs_are_kept_apart(registered: FlaskClient) -> None:
    def shown() -> Any:
        return registered.get("/health/ready").get_json()["isolation"]

    assert shown() == []
    report(registered, READY, isolation="sandbox")
    assert shown() == ["sandbox"]


@pytest.mark.parametrize(
    "warm", [{"state": "ready", "reason": None}, {"state": "unfit", "reason": "a thread"}]
)
def test_integration_shows_how_its_jobs_start(
    registered: FlaskClient, warm: dict[str, Any]
) -> None:
    report(registered, READY | {"environment": {"key": "e1", "seconds": None, "warm": warm}})
    assert dns(registered)["environment"]["warm"] == warm


def test_broken_integration_shows_its_problem_until_it_is_ready(registered: FlaskClient) -> None:
    report(registered, BROKEN)
    assert dns(registered)["state"] == "broken"
    assert dns(registered)["problem"] == {"reason": "no entry.py", "advice": "add it"}
    report(registered, READY)
    assert (dns(registered)["state"], dns(registered)["problem"]) == ("ready", None)


def test_disabled_integration_stays_disabled(registered: FlaskClient, state: State) -> None:
    with state.database.write() as connection:
        connection.execute(update(integrations).values(enabled=False, state="disabled"))
    report(registered, READY)
    assert dns(registered)["state"] == "disabled"
    assert dns(registered)["tasks"] == [{"name": "list"}]


def test_problem_of_the_manifest_outlives_a_good_report(
    registered: FlaskClient, state: State
) -> None:
    problem = {"reason": "entry 1", "advice": "fix it", "by": "manifest"}
    with state.database.write() as connection:
        connection.execute(update(integrations).values(problem=problem))
    report(registered, READY)
    assert dns(registered)["problem"] == {"reason": "entry 1", "advice": "fix it"}


def test_same_report_again_changes_no_row(registered: FlaskClient, clock: Any) -> None:
    report(registered, READY)
    before = dns(registered)
    clock.move(hours=1)
    report(registered, READY)
    assert dns(registered) == before


def test_warm_process_that_comes_or_goes_is_no_update(registered: FlaskClient, clock: Any) -> None:
    report(registered, READY)
    before = dns(registered)["updated_at"]
    clock.move(hours=1)
    warm = {"key": "e1", "seconds": 1.5, "warm": {"state": "ready", "reason": None}}
    report(registered, READY | {"environment": warm})
    assert dns(registered)["environment"]["warm"]["state"] == "ready"
    assert dns(registered)["updated_at"] == before
    report(registered, READY | {"environment": warm, "commit": "c3"})
    assert dns(registered)["updated_at"] != before


def test_source_is_remembered_with_its_problem(registered: FlaskClient, state: State) -> None:
    problem = {"reason": "away", "advice": "wait"}
    source = {"url": "file:///r", "ref": "main", "state": "degraded", "problem": problem}
    report(registered, source=source)
    report(registered, source=source)
    with state.database.read() as connection:
        row = connection.execute(select(sources)).one()
    assert (row.state, row.problem, row.commit) == ("degraded", problem, "c2")


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "great"},
        {"colour": "red"},
        {"tasks": [{"name": "nul\0"}]},
        {"environment": {"key": "e", "seconds": -1}},
        {"environment": {"key": "e", "warm": {"state": "hot"}}},
    ],
)
def test_report_of_the_wrong_shape_is_refused(
    registered: FlaskClient, wrong: dict[str, Any]
) -> None:
    answer = report(registered, READY | wrong)
    assert answer.status_code == 422
    assert answer.json["errors"]
    assert dns(registered)["state"] == "registered"
