from typing import Any

import pytest

from api.principal import Role

TOKENS = "/api/v1/tokens"


def test_admin_issues_a_token_that_works_and_is_shown_once(guarded: Any) -> None:
    admin = guarded.client(Role.ADMIN, "root")
    body = {"name": "ci", "role": "operator", "days": 2}
    made = admin.post(TOKENS, json=body)
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    assert (made.json["name"], made.json["role"]) == ("ci", "operator")
    assert made.json["created_by"] == "root"
    headers = {"Authorization": f"Bearer {made.json['token']}"}
    me = guarded.app.test_client().get("/api/v1/me", headers=headers).json
    assert me == {"name": "ci", "role": "operator", "token_id": made.json["id"]}
    listed = admin.get(TOKENS).json["items"]
    assert {item["id"] for item in listed} >= {made.json["id"]}
    assert all("token" not in item for item in listed)
    assert made.json["token"].split(".")[2] not in admin.get("/api/v1/audit").text


def test_revoked_token_is_refused_at_once(guarded: Any) -> None:
    admin = guarded.client(Role.ADMIN)
    made = admin.post(TOKENS, json={"name": "ci", "role": "viewer"}).json
    headers = {"Authorization": f"Bearer {made['token']}"}
    client = guarded.app.test_client()
    assert client.get("/api/v1/jobs", headers=headers).status_code == 200
    revoked = admin.delete(f"{TOKENS}/{made['id']}")
    assert revoked.status_code == 200
    assert revoked.json["revoked_at"]
    assert client.get("/api/v1/jobs", headers=headers).status_code == 401
    assert admin.delete(f"{TOKENS}/none").status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a b"}, "/name"),
        ({"name": "a@b"}, "/name"),
        ({"name": "loopback"}, "/name"),
        ({"name": "x" * 65}, "/name"),
        ({"role": "root"}, "/role"),
        ({"days": 0}, "/days"),
        ({"days": 10_000}, "/days"),
        ({"expires_at": "never"}, "/expires_at"),
    ],
)
def test_wrong_values_are_pointed_to(guarded: Any, change: dict[str, Any], pointer: str) -> None:
    body = {"name": "ci", "role": "viewer", "days": 1} | change
    answer = guarded.client(Role.ADMIN).post(TOKENS, json=body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == pointer


def test_api_without_a_key_issues_none_and_says_how_to_get_one(client: Any) -> None:
    answer = client.post(TOKENS, json={"name": "ci", "role": "viewer"})
    assert answer.status_code == 409
    assert "trueline token key" in answer.json["advice"]
    assert client.get(TOKENS).json["items"] == []
