from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert, select

from api.state import State
from api.tables import jobs, violations

URL = "/api/v1/deployments"


def create(client: FlaskClient) -> Any:
    body = {"name": "prod", "integration": "dns", "config": {"token": "x"}}
    return client.post(URL, json=body).get_json()


def add_job(state: State, deployment: Any, status: str) -> None:
    row = {
        "id": "job-1",
        "kind": "scan",
        "deployment_id": deployment["id"],
        "deployment_name": deployment["name"],
        "integration": "dns",
        "status": status,
        "attempt": 0,
        "losses": 0,
        "trigger": "manual",
        "cancel_requested": False,
        "created_at": state.clock(),
    }
    with state.database.write() as connection:
        connection.execute(insert(jobs).values(row))


def add_violation(state: State, deployment: Any) -> None:
    now = state.clock()
    row = {
        "id": "violation-1",
        "fingerprint": "f",
        "integration": "dns",
        "deployment_id": deployment["id"],
        "deployment_name": deployment["name"],
        "task": "check",
        "title": "Check",
        "resource_id": "",
        "severity": "high",
        "severity_rank": 3,
        "status": "open",
        "first_seen": now,
        "last_seen": now,
        "occurrences": 1,
        "job_id": "job-1",
    }
    with state.database.write() as connection:
        connection.execute(insert(violations).values(row))


def test_deleting_keeps_jobs_cancels_waiting_ones_and_resolves_violations(
    registered: FlaskClient, state: State
) -> None:
    made = create(registered)
    add_job(state, made, "pending")
    add_violation(state, made)
    assert registered.delete(f"{URL}/prod").status_code == 204
    assert registered.get(f"{URL}/prod").status_code == 404
    with state.database.read() as connection:
        job = connection.execute(select(jobs)).one()
        violation = connection.execute(select(violations)).one()
    assert (job.status, job.error["reason"][:9]) == ("cancelled", "the job's")
    assert violation.status == "resolved"
    assert "deleted" in violation.note


def test_deployment_with_a_running_job_is_not_deleted(
    registered: FlaskClient, state: State
) -> None:
    add_job(state, create(registered), "running")
    answer = registered.delete(f"{URL}/prod")
    assert answer.status_code == 409
    assert "/cancel" in answer.get_json()["advice"]
    assert registered.get(f"{URL}/prod").status_code == 200
