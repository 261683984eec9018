from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from api.models import PageQuery
from api.pages import read_job_page, read_overview, read_violations
from api.state import State
from api.tables import deployments, integrations, jobs, task_results, violations
from api.verdicts import ViolationStatus

pytestmark = pytest.mark.one_database

HOSTILE = "<script>alert(1)</script>\"'&"
REACHED = {"host": "a.example", "port": 443, "allowed": True, "reason": None}
REACHED |= {"connections": 3, "bytes_sent": 10, "bytes_received": 20}
NETWORK = {
    "egress": "declared",
    "hosts": ["a.example", HOSTILE],
    "reached": [REACHED, REACHED | {"host": HOSTILE, "allowed": False, "reason": HOSTILE}],
    "omitted": 2,
    "complete": False,
}


def violation(state: State, number: int, severity: str, rank: int, status: str = "open") -> Any:
    now = state.clock()
    return {
        "id": f"v{number}",
        "fingerprint": f"f{number}",
        "integration": "dns",
        "deployment_id": "d1",
        "deployment_name": HOSTILE,
        "task": "check",
        "title": HOSTILE,
        "resource_id": HOSTILE,
        "severity": severity,
        "severity_rank": rank,
        "status": status,
        "message": HOSTILE,
        "first_seen": now,
        "last_seen": now,
        "occurrences": 2,
        "job_id": "j1",
    }


@pytest.fixture
def filled(registered: FlaskClient, state: State) -> FlaskClient:
    now = state.clock()
    times = {"created_at": now, "updated_at": now}
    deployment = {
        "id": "d1",
        "name": HOSTILE,
        "integration": "dns",
        "config": {"token": {"$sealed": "canary"}},
        "schedule": "every 1h",
        "timezone": "UTC",
        "enabled": True,
        "state": "needs_attention",
        "problem": {"reason": HOSTILE, "advice": HOSTILE},
    }
    job = {
        "id": "j1",
        "kind": "scan",
        "deployment_id": "d1",
        "deployment_name": HOSTILE,
        "integration": "dns",
        "status": "running",
        "attempt": 1,
        "losses": 0,
        "trigger": "manual",
        "cancel_requested": False,
        "lease_token": "canary",
        "error": {"reason": HOSTILE, "advice": ""},
        "network": NETWORK,
        "created_at": now,
    }
    result: Mapping[str, Any] = {
        "title": HOSTILE,
        "status": "success",
        "verdict": "fail",
        "severity": "high",
        "message": HOSTILE,
        "reason": None,
        "errors": [HOSTILE],
        "logs": [HOSTILE],
        "resources": [{"id": HOSTILE, "message": HOSTILE}],
        "duration_seconds": 1.25,
    }
    task = {"job_id": "j1", "name": "check", "position": 0, "attempt": 1, "type": "insight"}
    row = task | {"status": "success", "duration_seconds": 1.25, "result": result}
    found = [violation(state, 1, "low", 1), violation(state, 2, "critical", 4)]
    with state.database.write() as connection:
        connection.execute(insert(deployments).values(deployment | times))
        connection.execute(insert(jobs).values(job))
        connection.execute(insert(task_results).values(row))
        connection.execute(insert(violations), [*found, violation(state, 3, "high", 3, "muted")])
    return registered


@pytest.mark.parametrize("address", ["/", "/violations", "/violations?status=muted", "/jobs/j1"])
def test_hostile_names_stay_text_and_secrets_stay_away(filled: FlaskClient, address: str) -> None:
    answer = filled.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "canary" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert "http://" not in answer.text.replace("http://www.w3.org", "")


def test_overview_has_the_worst_first_and_counts_what_is_not_resolved(
    filled: FlaskClient, state: State
) -> None:
    assert filled
    with state.database.read() as connection:
        overview = read_overview(connection, state.clock(), timedelta(seconds=30))
    assert [row.severity for row in overview.violations] == ["critical", "low"]
    assert overview.counts == {"critical": 1, "high": 0, "medium": 0, "low": 1}
    assert [job.id for job in overview.jobs] == ["j1"]


def test_violations_are_paged(filled: FlaskClient, state: State) -> None:
    assert filled
    with state.database.read() as connection:
        first = read_violations(connection, ViolationStatus.OPEN, PageQuery(limit=1))
        rest = PageQuery(limit=1, cursor=first.next_cursor)
        second = read_violations(connection, ViolationStatus.OPEN, rest)
    assert [row.id for row in (*first.rows, *second.rows)] == ["v2", "v1"]


def test_page_of_a_job_shows_what_it_reached_beside_what_is_declared(
    filled: FlaskClient, state: State
) -> None:
    text = " ".join(filled.get("/jobs/j1").text.split())
    assert "Declared: <code>a.example</code>" in text
    assert "<code>a.example:443</code></td> <td>allowed</td> <td>3</td> <td>10</td>" in text
    assert "<strong>refused</strong>: " in text
    assert "2 more connections" in text
    assert "The proxy was lost" in text
    with state.database.write() as connection:
        connection.execute(jobs.update().values(network=None))
        connection.execute(integrations.update().values(hosts=["b.example"]))
    text = " ".join(filled.get("/jobs/j1").text.split())
    assert "<code>b.example</code>" in text
    assert "not recorded: its worker runs with open egress" in text


def test_page_of_a_job_says_how_far_it_was_kept_apart(filled: FlaskClient, state: State) -> None:
    def shown() -> str:
        return filled.get("/jobs/j1").text.split("<dt>Isolation</dt>")[1].splitlines()[0]

    assert shown() == "<dd>-</dd>"
    with state.database.write() as connection:
        connection.execute(jobs.update().values(isolation="sandbox"))
    assert shown() == "<dd>sandbox</dd>"


def test_overview_says_where_declared_hosts_are_not_enforced(
    filled: FlaskClient, state: State
) -> None:
    assert "not declared" in filled.get("/").text
    for egress, hosts, enforced in (("open", [], False), ("declared", ["b.example"], True)):
        environment = {"key": "e", "state": "ready", "egress": egress}
        with state.database.write() as connection:
            connection.execute(integrations.update().values(environment=environment, hosts=hosts))
        text = filled.get("/").text
        assert ("not enforced" in text) is not enforced
        assert ("<code>b.example</code>" in text) is enforced


def test_overview_says_how_jobs_start_and_why_they_are_not_forked(
    filled: FlaskClient, state: State
) -> None:
    shown = {"ready": "forked", "idle": "forked", "off": "new interpreter", "unfit": "new interp"}
    for warm, words in shown.items():
        reason = "it starts <threads>" if warm == "unfit" else None
        environment = {"key": "e", "state": "ready", "warm": {"state": warm, "reason": reason}}
        with state.database.write() as connection:
            connection.execute(integrations.update().values(environment=environment))
        text = filled.get("/").text
        assert words in text, warm
        assert ("it starts &lt;threads&gt;" in text) == (warm == "unfit")


def test_page_of_a_job_reloads_itself_until_it_ends(filled: FlaskClient, state: State) -> None:
    assert 'http-equiv="refresh"' in filled.get("/jobs/j1").text
    with state.database.write() as connection:
        connection.execute(jobs.update().values(status="success"))
    assert 'http-equiv="refresh"' not in filled.get("/jobs/j1").text
    with state.database.read() as connection:
        assert not read_job_page(connection, "j1").is_moving


def test_problem_of_a_page_is_a_page(client: FlaskClient) -> None:
    for address, status in (("/jobs/none", 404), ("/violations?status=great", 422)):
        answer = client.get(address)
        assert answer.status_code == status
        assert answer.mimetype == "text/html"
        assert answer.headers["X-Request-ID"] in answer.text


def test_empty_pages_say_what_to_do(client: FlaskClient) -> None:
    assert "trueline init" in client.get("/").text
    assert "None." in client.get("/violations").text


def test_style_is_ours(client: FlaskClient) -> None:
    answer = client.get("/static/style.css")
    assert answer.status_code == 200
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    answer.close()
