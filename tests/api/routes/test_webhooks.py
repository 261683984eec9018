import base64
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from api.database import Database
from api.webhook_tables import webhooks
from api.webhooks import MOST_WEBHOOKS

if TYPE_CHECKING:
    from tests.api.desk import Desk

URL = "https://hooks.example.com/T0/pa55-in-the-path?key=pa55-in-the-query"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


def create(client: FlaskClient, **fields: Any) -> Any:
    answer = client.post("/api/v1/webhooks", json={"name": "ops", "url": URL} | fields)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_secret_is_told_once_and_the_address_never(client: FlaskClient, database: Database) -> None:
    made = create(client, secret=SECRET)
    assert made["secret"] == SECRET
    assert made["address"] == "https://hooks.example.com/…"
    for shown in (
        client.get("/api/v1/webhooks").text,
        client.get("/api/v1/webhooks/ops").text,
        client.patch("/api/v1/webhooks/ops", json={"enabled": False}).text,
        client.post("/api/v1/webhooks", json={"name": "ops", "url": URL}).text,
    ):
        assert "pa55" not in shown
        assert SECRET not in shown
    with database.read() as connection:
        dump = str(connection.execute(select(webhooks)).all())
        raw = str(connection.execute(text("SELECT * FROM webhooks")).all())
    assert "pa55" not in dump + raw
    assert SECRET not in dump + raw


def test_secret_is_made_and_made_anew(client: FlaskClient) -> None:
    first = create(client)["secret"]
    changed = client.patch("/api/v1/webhooks/ops", json={"new_secret": True})
    assert changed.json is not None
    assert changed.json["secret"].startswith("whsec_")
    assert changed.json["secret"] != first
    unchanged = client.patch("/api/v1/webhooks/ops", json={"types": []})
    assert unchanged.json is not None
    assert unchanged.json["secret"] is None


def test_fields_change_and_the_rest_stays(desk: "Desk") -> None:
    made = create(desk.client, min_severity="high", deployment="nightly", integration="tool")
    path = f"/api/v1/webhooks/{made['id']}"
    changed = desk.good(desk.client.patch(path, json={"min_severity": None, "name": "tickets"}))
    assert (changed["min_severity"], changed["name"]) == (None, "tickets")
    assert changed["deployment_id"] == made["deployment_id"] is not None
    moved = desk.good(desk.client.patch(path, json={"url": "https://other.example/"}))
    assert moved["address"] == "https://other.example"
    assert desk.client.delete(path).status_code == 204
    assert desk.client.get(path).status_code == 404


def test_change_of_what_others_changed_is_refused(client: FlaskClient) -> None:
    made = client.post("/api/v1/webhooks", json={"name": "ops", "url": URL})
    path = made.headers["Location"]
    seen = {"If-Match": client.get(path).headers["ETag"]}
    assert made.headers["ETag"].partition("-")[0] == seen["If-Match"].partition("-")[0]
    changed = client.patch(path, json={"new_secret": True}, headers=seen)
    assert changed.status_code == 200
    assert client.patch(path, json={"enabled": False}, headers=seen).status_code == 412
    assert client.delete(path, headers=seen).status_code == 412
    assert client.get(path).get_json()["enabled"] is True
    now = {"If-Match": changed.headers["ETag"]}
    assert client.delete(path, headers=now).status_code == 204


def test_name_cannot_be_taken_for_an_id(client: FlaskClient) -> None:
    made = create(client)
    answer = client.post("/api/v1/webhooks", json={"name": made["id"], "url": URL})
    assert answer.status_code == 422
    assert "looks like an id" in answer.text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"url": "https://127.0.0.1/"}, 422),
        ({"url": "https://169.254.169.254/latest"}, 422),
        ({"url": "http://example.com/"}, 422),
        ({"url": "https://0x7f000001/"}, 422),
        ({"secret": "short"}, 422),
        ({"types": ["dev.trueline.test"]}, 422),
        ({"types": ["*"]}, 422),
        ({"job_statuses": ["running"]}, 422),
        ({"min_severity": "dire"}, 422),
        ({"surprise": 1}, 422),
        ({"name": "a\nb"}, 422),
        ({"integration": "nobody"}, 404),
        ({"deployment": "nobody"}, 404),
    ],
)
def test_what_makes_no_sense_is_refused_with_advice(
    client: FlaskClient, change: dict[str, Any], status: int
) -> None:
    body = {"name": "ops", "url": URL} | change
    answer = client.post("/api/v1/webhooks", json=body)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["advice"]
    create(client)
    assert client.patch("/api/v1/webhooks/ops", json=change).status_code == status


def test_name_is_taken_once_and_there_are_only_so_many(client: FlaskClient) -> None:
    create(client)
    body = {"name": "ops", "url": URL}
    assert client.post("/api/v1/webhooks", json=body).status_code == 409
    create(client, name="other")
    assert client.patch("/api/v1/webhooks/other", json={"name": "ops"}).status_code == 409
    for n in range(MOST_WEBHOOKS - 2):
        create(client, name=f"n{n}")
    assert client.post("/api/v1/webhooks", json=body | {"name": "more"}).status_code == 409
    page = client.get("/api/v1/webhooks?limit=60").json
    assert page is not None
    rest = client.get(f"/api/v1/webhooks?limit=60&cursor={page['next_cursor']}").json
    assert rest is not None
    assert len(page["items"] + rest["items"]) == MOST_WEBHOOKS


def test_disabled_webhook_is_not_tested(client: FlaskClient) -> None:
    create(client, enabled=False)
    assert client.post("/api/v1/webhooks/ops/test").status_code == 409
    assert client.post("/api/v1/webhooks/nobody/test").status_code == 404
    client.patch("/api/v1/webhooks/ops", json={"enabled": True})
    answer = client.post("/api/v1/webhooks/ops/test")
    assert answer.status_code == 202
    assert answer.json is not None
    assert (answer.json["status"], answer.json["type"]) == ("pending", "dev.trueline.test")
