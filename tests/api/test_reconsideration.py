from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.api.conftest import Registrar

CommitSource = Callable[..., str]
DNS = {"name": "dns", "title": "DNS"}
WEB = {"name": "web", "title": "Web"}
TOKEN = {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}}


def test_entry_that_leaves_pauses_its_deployments_until_it_returns(
    commit_source: CommitSource, registrar: "Registrar", clock: Any
) -> None:
    commit_source([DNS, WEB])
    registrar.init()
    registrar.deploy()
    commit_source([WEB])
    assert registrar.init()["disabled"] == ["dns"]
    assert registrar.init()["disabled"] == []
    assert registrar.integration("dns")["state"] == "disabled"
    paused = registrar.deployment()
    assert (paused["state"], paused["enabled"], paused["next_due_at"]) == ("paused", True, None)
    assert "disabled" in paused["problem"]["reason"]
    clock.move(hours=3)
    commit_source([DNS, WEB])
    assert registrar.init()["updated"] == ["dns"]
    back = registrar.deployment()
    assert (back["state"], back["problem"]) == ("active", None)
    assert back["next_due_at"] == "2026-03-02T16:00:00.000Z"


def test_deployment_that_its_user_paused_stays_paused_when_the_entry_returns(
    commit_source: CommitSource, registrar: "Registrar"
) -> None:
    commit_source([DNS])
    registrar.init()
    registrar.deploy()
    registrar.client.patch("/api/v1/deployments/prod", json={"enabled": False})
    commit_source([DNS | {"enabled": False}])
    assert registrar.init()["disabled"] == ["dns"]
    commit_source([DNS])
    registrar.init()
    assert (registrar.deployment()["state"], registrar.deployment()["problem"]) == ("paused", None)


def test_deployment_whose_config_no_longer_fits_needs_attention_until_it_fits(
    commit_source: CommitSource, registrar: "Registrar"
) -> None:
    commit_source([DNS])
    registrar.init()
    registrar.deploy()
    commit_source([DNS | {"schema": TOKEN}])
    registrar.init()
    needy = registrar.deployment()
    assert (needy["state"], needy["next_due_at"]) == ("needs_attention", None)
    assert "token" in needy["problem"]["reason"]
    renamed = registrar.client.patch("/api/v1/deployments/prod", json={"schedule": "every 2h"})
    assert renamed.get_json()["state"] == "needs_attention"
    fixed = registrar.client.patch("/api/v1/deployments/prod", json={"config": {"token": "x"}})
    assert fixed.get_json()["state"] == "active"
    registrar.client.patch("/api/v1/deployments/prod", json={"config": {"token": "y"}})
    commit_source([DNS])
    registrar.init()
    assert registrar.deployment()["state"] == "active"


def test_value_that_the_schema_now_calls_secret_is_sealed(
    commit_source: CommitSource, registrar: "Registrar"
) -> None:
    commit_source([DNS])
    registrar.init()
    registrar.deploy(config={"token": "x"})
    secret = {"type": "object", "properties": {"token": {"type": "string", "format": "password"}}}
    commit_source([DNS | {"schema": secret}])
    registrar.init()
    assert registrar.deployment()["config"] == {"token": "********"}
