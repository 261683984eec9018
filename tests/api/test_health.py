from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from api.state import State
from utils.settings import Settings

pytestmark = pytest.mark.one_database


def check(client: FlaskClient, name: str) -> Any:
    answer = client.get("/health/ready")
    checks = {it["name"]: it for it in answer.get_json()["checks"]}
    assert answer.status_code == (503 if any(it["error"] for it in checks.values()) else 200)
    return checks[name]


def test_ready_names_every_check_with_its_time(client: FlaskClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "ok"
    checks = answer.get_json()["checks"]
    assert [it["name"] for it in checks] == ["database", "schema", "storage", "secrets"]
    assert all(it["seconds"] >= 0 and it["status"] == "ok" for it in checks)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_always_asked_anew(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "ETag" not in answer.headers


def test_database_of_another_version_is_not_ready(client: FlaskClient, state: State) -> None:
    with state.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    found = check(client, "schema")
    assert (found["status"], found["advice"][:15]) == ("failed", "restart the API")


@pytest.mark.parametrize("name", ["database", "schema"])
def test_lost_database_is_not_ready_but_alive(
    client: FlaskClient, lose_database: Callable[[], None], name: str
) -> None:
    lose_database()
    assert check(client, name)["status"] == "failed"
    assert client.get("/health/live").get_json() == {"status": "ok"}


def test_spoilt_key_of_secrets_is_not_ready(client: FlaskClient, settings: Settings) -> None:
    (settings.data_dir / "secret.key").write_text("spoilt")
    assert "backup" in check(client, "secrets")["advice"]


def test_lost_data_directory_is_not_ready(client: FlaskClient, settings: Settings) -> None:
    settings.data_dir.rename(settings.data_dir.with_name("away"))
    assert check(client, "storage")["error"] == "the data directory cannot be read"
