from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

CommitSource = Callable[..., str]
DNS = {"name": "dns", "title": "DNS"}
WEB = {"name": "web", "title": "Web"}
TOKEN = {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}}


def init(client: FlaskClient) -> Any:
    answer = client.post("/init-integrations")
    assert answer.status_code == 200, answer.json
    return answer.json


def deploy(client: FlaskClient, integration: str = "dns", **fields: Any) -> Any:
    body = {"name": "prod", "integration": integration, "config": {}, "schedule": "every 1h"}
    answer = client.post("/api/v1/deployments", json=body | fields)
    assert answer.status_code == 201, answer.json
    return answer.json


def prod(client: FlaskClient) -> Any:
    return client.get("/api/v1/deployments/prod").json


def integration(client: FlaskClient, name: str) -> Any:
    return client.get(f"/api/v1/integrations/{name}").json


def test_entry_that_leaves_pauses_its_deployments_until_it_returns(
    commit_source: CommitSource, client: FlaskClient, clock: Any
) -> None:
    commit_source([DNS, WEB])
    init(client)
    deploy(client)
    commit_source([WEB])
    assert init(client)["disabled"] == ["dns"]
    assert init(client)["disabled"] == []
    assert integration(client, "dns")["state"] == "disabled"
    paused = prod(client)
    assert (paused["state"], paused["enabled"], paused["next_due_at"]) == ("paused", True, None)
    assert "disabled" in paused["problem"]["reason"]
    clock.move(hours=3)
    commit_source([DNS, WEB])
    assert init(client)["updated"] == ["dns"]
    back = prod(client)
    assert (back["state"], back["problem"]) == ("active", None)
    assert back["next_due_at"] == "2026-03-02T16:00:00.000Z"


def test_deployment_that_its_user_paused_stays_paused_when_the_entry_returns(
    commit_source: CommitSource, client: FlaskClient
) -> None:
    commit_source([DNS])
    init(client)
    deploy(client)
    client.patch("/api/v1/deployments/prod", json={"enabled": False})
    commit_source([DNS | {"enabled": False}])
    assert init(client)["disabled"] == ["dns"]
    commit_source([DNS])
    init(client)
    assert (prod(client)["state"], prod(client)["problem"]) == ("paused", None)


def test_deployment_whose_config_no_longer_fits_needs_attention_until_it_fits(
    commit_source: CommitSource, client: FlaskClient
) -> None:
    commit_source([DNS])
    init(client)
    deploy(client)
    commit_source([DNS | {"schema": TOKEN}])
    init(client)
    needy = prod(client)
    assert (needy["state"], needy["next_due_at"]) == ("needs_attention", None)
    assert "token" in needy["problem"]["reason"]
    renamed = client.patch("/api/v1/deployments/prod", json={"schedule": "every 2h"})
    assert renamed.get_json()["state"] == "needs_attention"
    fixed = client.patch("/api/v1/deployments/prod", json={"config": {"token": "x"}})
    assert fixed.get_json()["state"] == "active"
    client.patch("/api/v1/deployments/prod", json={"config": {"token": "y"}})
    commit_source([DNS])
    init(client)
    assert prod(client)["state"] == "active"


def test_value_that_the_schema_now_calls_secret_is_sealed(
    commit_source: CommitSource, client: FlaskClient
) -> None:
    commit_source([DNS])
    init(client)
    deploy(client, config={"token": "x"})
    secret = {"type": "object", "properties": {"token": {"type": "string", "format": "password"}}}
    commit_source([DNS | {"schema": secret}])
    init(client)
    assert prod(client)["config"] == {"token": "********"}
