from typing import Any

import pytest

from api.issued_tokens import find_token, revoke_token
from api.principal import Role

pytestmark = pytest.mark.one_database

JOBS = "/api/v1/jobs"
ME = "/api/v1/me"


def log_in(guarded: Any, role: Role, name: str = "ada") -> Any:
    """Return a browser that has logged in with a token."""
    browser = guarded.app.test_client()
    token = guarded.issue(role, name)[1]
    answer = browser.post("/login", data={"token": token})
    assert answer.status_code == 303
    return browser


def test_token_opens_what_its_role_may(guarded: Any) -> None:
    assert guarded.client(Role.VIEWER).get(JOBS).status_code == 200
    answer = guarded.client(Role.VIEWER, "ci").post("/init-integrations")
    assert answer.status_code == 403
    assert answer.json["detail"] == "this takes the role operator or admin; ci is viewer"


@pytest.mark.parametrize(
    "header",
    ["Basic YTpi", "Bearer", "Bearer ", "Bearer x", "bearer x.y.z", "x", "", "Bearer \xff"],
)
def test_header_that_is_no_good_token_is_refused_as_one(guarded: Any, header: str) -> None:
    answer = guarded.app.test_client().get(JOBS, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert "trueline token create" in answer.json["advice"]


def test_revoked_and_expired_tokens_are_refused(guarded: Any) -> None:
    token, text = guarded.issue(Role.ADMIN, days=1)
    headers = {"Authorization": f"Bearer {text}"}
    client = guarded.app.test_client()
    assert client.get(JOBS, headers=headers).status_code == 200
    with guarded.database.write() as connection:
        revoke_token(connection, token.id, guarded.clock())
    assert client.get(JOBS, headers=headers).json["detail"] == "the token was revoked"
    headers = guarded.bearer(Role.ADMIN)
    guarded.clock.move(days=91)
    assert client.get(JOBS, headers=headers).json["detail"] == "the token has expired"


def test_bad_token_does_not_shut_what_is_open_to_all(guarded: Any) -> None:
    client = guarded.app.test_client()
    headers = {"Authorization": "Bearer x"}
    assert client.get("/health/live", headers=headers).status_code == 200
    assert client.get("/login", headers=headers).status_code == 200
    ready = client.get("/health/ready", headers=headers)
    assert (ready.status_code, ready.json["checks"]) == (200, [])


def test_token_counts_more_than_a_session(guarded: Any) -> None:
    browser = log_in(guarded, Role.ADMIN)
    assert browser.get(ME, headers=guarded.bearer(Role.VIEWER)).json["role"] == "viewer"
    assert browser.get(ME, headers={"Authorization": "Bearer x"}).status_code == 401


def test_use_of_a_token_is_noted(guarded: Any) -> None:
    token, text = guarded.issue(Role.VIEWER)
    headers = {"Authorization": f"Bearer {text}"}
    guarded.app.test_client().get(JOBS, headers=headers, buffered=True).close()
    with guarded.database.read() as connection:
        found = find_token(connection, token.id)
    assert found is not None
    assert found.last_used_at == guarded.clock()


def test_page_sends_to_the_log_in_and_remembers_where_one_was(guarded: Any) -> None:
    answer = guarded.app.test_client().get("/violations?status=muted")
    assert answer.status_code == 303
    assert answer.location == "/login?next=%2Fviolations%3Fstatus%3Dmuted"
    assert log_in(guarded, Role.VIEWER).get("/violations").status_code == 200


def test_page_of_the_docs_is_read_after_a_log_in(guarded: Any) -> None:
    assert guarded.app.test_client().get("/docs").location == "/login?next=%2Fdocs"
    assert guarded.app.test_client().get("/openapi.json").status_code == 401
    browser = log_in(guarded, Role.VIEWER)
    for path in ("/docs", "/openapi.json", "/docs/rapidoc.js", "/static/style.css"):
        with browser.get(path) as answer:
            assert answer.status_code == 200, path


OWN = ({"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"})
FOREIGN: tuple[dict[str, str], ...] = (
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://localhost:81"},
    {"Referer": "http://localhost/"},
)


@pytest.mark.parametrize("headers", OWN)
def test_session_changes_things_from_our_page(guarded: Any, headers: dict[str, str]) -> None:
    browser = log_in(guarded, Role.ADMIN)
    body = {"name": "x", "role": "viewer"}
    assert browser.post("/api/v1/tokens", json=body, headers=headers).status_code == 201


@pytest.mark.parametrize("headers", FOREIGN)
def test_session_alone_changes_nothing(guarded: Any, headers: dict[str, str]) -> None:
    browser = log_in(guarded, Role.ADMIN)
    answer = browser.post("/api/v1/tokens", json={"name": "x", "role": "viewer"}, headers=headers)
    assert answer.status_code == 403
    assert browser.get("/api/v1/tokens", headers=headers).status_code == 200


def test_workers_token_sees_no_job_and_no_deployment(guarded: Any) -> None:
    worker = guarded.client(Role.WORKER)
    for address in (
        "/api/v1/deployments",
        JOBS,
        f"{JOBS}/x",
        f"{JOBS}/x/events",
        "/openapi.json",
        "/",
    ):
        assert worker.get(address).status_code == 403, address
    ready = worker.get("/health/ready").json
    assert ready == {"status": "ok", "version": None, "isolation": [], "checks": []}
    assert guarded.client(Role.VIEWER).get("/health/ready").json["checks"]


def test_caller_learns_who_it_is(guarded: Any, client: Any) -> None:
    me = guarded.client(Role.WORKER, "w1").get(ME).json
    assert (me["name"], me["role"]) == ("w1", "worker")
    assert client.get(ME).json == {"name": "loopback", "role": "admin", "token_id": None}
