from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

from api.app import create_app
from api.database import Database
from api.principal import Role
from api.state import state_of
from utils.settings import Settings

pytestmark = pytest.mark.one_database


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


@pytest.fixture
def proxied(guarded: Any, settings: Settings, key_file: Path) -> Iterator[Any]:
    """An app behind one proxy that is known by a name."""
    update = {"signing_key_file": key_file, "api_hosts": "Trueline.example.com, 10.0.0.5,[fd00::1]"}
    told = settings.model_copy(update=update | {"trusted_proxies": 1})
    app = create_app(told, guarded.database, guarded.clock)
    yield app
    state_of(app).stops.run()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("trueline.example.com", 200),
        ("TRUELINE.example.com:443", 200),
        ("10.0.0.5:8340", 200),
        ("[fd00::1]:8340", 200),
        ("localhost", 200),
        ("example.com", 403),
        ("evil.trueline.example.com", 403),
    ],
)
def test_names_that_were_told_are_served(proxied: Any, host: str, status: int) -> None:
    client = proxied.test_client()
    assert client.get("/health/live", headers={"Host": host}).status_code == status


TLS = {"Host": "trueline.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.1.1"}


def test_proxy_that_is_trusted_tells_of_tls(proxied: Any, guarded: Any) -> None:
    client = proxied.test_client()
    headers = client.get("/health/live", headers=TLS).headers
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    form = {"token": guarded.issue(Role.VIEWER)[1]}
    own = TLS | {"Origin": "https://trueline.example.com"}
    answer = client.post("/login", data=form, headers=own)
    assert answer.status_code == 303
    assert answer.headers["Set-Cookie"].startswith("__Host-trueline_session=")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_forwarded_headers_are_believed_of_nobody_else(guarded: Any, proxied: Any) -> None:
    plain = guarded.app.test_client().get("/health/live", headers=TLS | {"Host": "localhost"})
    assert "Strict-Transport-Security" not in plain.headers
    forged = TLS | {"Host": "evil.example", "X-Forwarded-Host": "trueline.example.com"}
    assert proxied.test_client().get("/health/live", headers=forged).status_code == 403
