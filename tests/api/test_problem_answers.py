import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from api.app import create_app
from api.database import Database
from api.problems import Unavailable
from api.state import State
from utils.settings import Settings

pytestmark = pytest.mark.one_database

FIELDS = {"type", "title", "status", "detail", "advice", "request_id"}


@pytest.fixture
def breakable(settings: Settings, database: Database) -> FlaskClient:
    app = create_app(settings, database)

    def crash() -> str:
        raise RuntimeError("canary-insides")

    def wait() -> str:
        raise Unavailable("too many", "later", retry_after_seconds=7)

    def away() -> str:  # as psycopg says it
        raise OperationalError("SELECT 1", {}, ConnectionError("canary-host refused"))

    app.add_url_rule("/away", view_func=away)
    app.add_url_rule("/crash", view_func=crash)
    app.add_url_rule("/wait", view_func=wait)
    return app.test_client()


def check_problem(answer: Any, status: int) -> Any:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert set(answer.json) - {"errors"} == FIELDS
    assert answer.json["status"] == status
    assert answer.json["detail"]
    assert answer.json["advice"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return answer.json


def test_every_kind_of_refusal_is_a_problem(registered: FlaskClient) -> None:
    url = "/api/v1/deployments"
    as_json = {"content_type": "application/json"}
    check_problem(registered.get("/nothing"), 404)
    check_problem(registered.get(f"{url}/nothing"), 404)
    check_problem(registered.get("/static/nothing.css"), 404)
    check_problem(registered.get("/api/v1/deployments/a%00b"), 422)
    not_allowed = registered.post("/health/live")
    check_problem(not_allowed, 405)
    assert "GET" in not_allowed.headers["Allow"]
    check_problem(registered.post(url), 400)
    check_problem(registered.post(url, data=b"", **as_json), 400)
    check_problem(registered.post(url, data=b'{"a":\n}', **as_json), 400)
    check_problem(registered.post(url, data=b'{"a": NaN}', **as_json), 400)
    check_problem(registered.post(url, data=b"\xff", **as_json), 400)
    check_problem(registered.post(url, data=b"[" * 100_000, **as_json), 400)
    check_problem(registered.post(url, data=b"{}"), 415)
    check_problem(registered.post(url, data=b"{}", **as_json), 422)
    check_problem(registered.post(url, json=[]), 422)
    check_problem(registered.post(url, data=b"null", **as_json), 422)
    check_problem(registered.get(url, query_string={"limit": "many"}), 422)
    check_problem(registered.get(url, query_string={"colour": "red"}), 422)


def test_unexpected_error_shows_no_insides_and_is_logged_under_its_id(
    breakable: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = breakable.get("/crash", headers={"X-Request-ID": "my-request.7"})
    assert check_problem(answer, 500)["request_id"] == "my-request.7"
    assert "canary" not in answer.text
    said = capsys.readouterr()
    assert "canary-insides" in said.out + said.err
    assert "my-request.7" in said.out + said.err


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "-a", "a;b", "é"])
def test_request_id_that_is_not_sane_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/health/live", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given


def test_refusal_that_passes_says_when_to_come_again(breakable: FlaskClient) -> None:
    answer = breakable.get("/wait")
    check_problem(answer, 503)
    assert answer.headers["Retry-After"] == "7"


def test_database_that_is_away_is_503_without_insides(breakable: FlaskClient) -> None:
    answer = breakable.get("/away")
    check_problem(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    assert "canary" not in answer.text


def test_locked_database_is_503_and_never_500(
    registered: FlaskClient, state: State, settings: Settings, database_kind: str
) -> None:
    assert registered.get("/health/live").status_code == 200
    hasty = Database(settings.database, busy_timeout_ms=20)
    client = create_app(settings, hasty).test_client()
    body = {"name": "a", "integration": "dns", "config": {"token": "x"}}
    with state.database.write() as connection:
        connection.execute(text("DELETE FROM sources"))
        if database_kind == "postgresql":
            connection.execute(text("LOCK TABLE deployments IN EXCLUSIVE MODE"))
        answer = client.post("/api/v1/deployments", json=body)
    check_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1
    assert client.post("/api/v1/deployments", json=body).status_code == 201
    hasty.close()


@pytest.mark.only_on("sqlite")
def test_database_that_is_no_database_is_500_without_insides(
    settings: Settings, lose_database: Callable[[], None]
) -> None:
    lose_database()
    other = Database(settings.database)
    app: OpenAPI = create_app(settings, other)
    answer = app.test_client().get("/api/v1/deployments")
    check_problem(answer, 500)
    assert "poem" not in json.dumps(answer.json)
    other.close()


RAISE_FULL = """
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql
AS $$BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END$$;
CREATE TRIGGER full_disk BEFORE INSERT ON deployments EXECUTE FUNCTION fill();
"""
FULL: Mapping[str, tuple[str, str]] = {
    "sqlite": ("PRAGMA max_page_count=1", "PRAGMA max_page_count=100000"),
    "postgresql": (RAISE_FULL, "DROP FUNCTION fill CASCADE"),
}


def test_full_database_is_507_and_works_again_with_room(
    registered: FlaskClient, state: State, database_kind: str
) -> None:
    fill, make_room = FULL[database_kind]
    with state.database.engine.begin() as connection:
        connection.exec_driver_sql(fill)  # as if the disk ended here
    config = {"token": "x", "zone": "z" * 200_000}
    body = {"name": "a", "integration": "dns", "config": config}
    check_problem(registered.post("/api/v1/deployments", json=body), 507)
    with state.database.engine.begin() as connection:
        connection.exec_driver_sql(make_room)
    assert registered.post("/api/v1/deployments", json=body).status_code == 201


def lock_wait(connection: Connection) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    return bool(connection.exec_driver_sql(waiting).scalar())


@pytest.mark.only_on("postgresql")
def test_deadlock_is_503_and_the_request_can_be_sent_again(
    desk: Any, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment, job_id = "nightly", desk.start()
    patient = f"{settings.database}&options=-c%20deadlock_timeout%3D2s"  # the one that is ended
    database = Database(patient)
    client = create_app(settings, database).test_client()
    answers: list[Any] = []
    request = threading.Thread(
        target=lambda: answers.append(client.delete(f"/api/v1/deployments/{deployment}"))
    )
    other = Database(settings.database)
    with other.write() as connection:
        connection.exec_driver_sql("SET LOCAL deadlock_timeout TO '1min'")
        connection.exec_driver_sql("SET LOCAL lock_timeout TO 0")
        connection.execute(text("SELECT FROM jobs FOR UPDATE"))
        request.start()
        while not lock_wait(connection):
            assert request.is_alive()
        connection.execute(text("SELECT FROM deployments FOR UPDATE"))
    request.join()
    problem = check_problem(answers[0], 503)
    assert answers[0].headers["Retry-After"] == "1"
    assert "was not carried out" in problem["advice"]
    assert "DeadlockDetected" in capsys.readouterr().out
    assert desk.job(job_id)["status"] == "pending"
    assert client.delete(f"/api/v1/deployments/{deployment}").status_code == 204
    assert desk.job(job_id)["status"] == "cancelled"
    for one in (database, other):
        one.close()


SERIALIZATION = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
AS $$BEGIN RAISE EXCEPTION 'could not serialize' USING ERRCODE = 'serialization_failure'; END$$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON deployments DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.mark.only_on("postgresql")
def test_request_that_failed_at_its_commit_says_whether_it_may_be_there(
    registered: FlaskClient, state: State
) -> None:
    body = {"name": "a", "integration": "dns", "config": {"token": "x"}}
    with state.database.write() as connection:
        connection.exec_driver_sql(SERIALIZATION)
    refused = check_problem(registered.post("/api/v1/deployments", json=body), 503)
    assert "was not carried out" in refused["advice"]
    with state.database.write() as connection:
        connection.exec_driver_sql("DROP FUNCTION refuse CASCADE")
    other = Database(state.settings.database)

    def cut(connection: Connection) -> None:
        pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]  # psycopg's
        with other.read() as executioner:
            executioner.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")

    event.listen(state.database.engine, "commit", cut)
    lost = check_problem(registered.post("/api/v1/deployments", json=body), 503)
    assert "look whether it was carried out" in lost["advice"]
    event.remove(state.database.engine, "commit", cut)
    other.close()
    assert registered.post("/api/v1/deployments", json=body).status_code == 201
