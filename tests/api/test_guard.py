import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

from api.app import create_app
from api.database import Database
from utils.settings import Settings


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8340", "127.0.0.1:9", "[::1]:8340", "LOCALHOST:1"]
)
def test_names_of_loopback_are_served(client: FlaskClient, host: str) -> None:
    assert client.get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.168.0.1", "[::2]"],
)
def test_rebound_name_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/api/v1/deployments", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost:x", "[::1", "local host", "a@localhost", ""])
def test_host_that_is_none_is_refused(client: FlaskClient, host: str) -> None:
    assert client.get("/health/live", headers={"Host": host}).status_code in {400, 403}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_page_of_another_site_changes_nothing(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.post("/init-integrations", headers={"Host": "localhost:8340"} | headers)
    assert answer.status_code == 403
    assert client.get("/health/live", headers={"Host": "localhost"} | headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://localhost:8340"}, {"Sec-Fetch-Site": "same-origin"}]
)
def test_command_and_own_page_pass(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/v1/deployments", headers={"Host": "localhost:8340"} | headers)
    assert answer.status_code == 400


def test_forges_come_from_outside_and_get_no_further_than_their_route(client: FlaskClient) -> None:
    outside = {"Host": "trueline.example"}
    answer = client.post("/webhooks/github", headers=outside, json={})
    assert answer.status_code == 403
    assert "TRUELINE_WEBHOOK_SECRET_FILE" in answer.get_json()["advice"]
    for path in ("/webhooks", "/api/v1/webhooks", "/webhooks/../api/v1/webhooks"):
        answer = client.post(path, headers=outside, json={})
        assert "Host" in answer.get_json()["detail"] or answer.status_code == 404


def test_large_body_is_refused_with_the_limit(client: FlaskClient) -> None:
    body = b"[" + b"1," * 600_000 + b"1]"
    answer = client.post("/api/v1/deployments", data=body, content_type="application/json")
    assert answer.status_code == 413
    assert "1048576" in answer.get_json()["detail"]


def test_worker_may_send_more(client: FlaskClient) -> None:
    body = b"[" + b"1," * 600_000 + b"1]"
    answer = client.put("/api/v1/catalogue", data=body, content_type="application/json")
    assert answer.status_code == 422


def test_address_that_the_server_listens_on_is_served(
    settings: Settings, database: Database
) -> None:
    app: OpenAPI = create_app(settings.model_copy(update={"api_host": "127.0.0.7"}), database)
    answer = app.test_client().get("/health/live", headers={"Host": "127.0.0.7:1"})
    assert answer.status_code == 200
