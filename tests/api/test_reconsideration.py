from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from api.config_secrets import MASK
from api.state import State
from api.tables import deployments

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


SECRET = {"type": "string", "writeOnly": True}


def schema(**properties: Any) -> dict[str, Any]:
    return DNS | {"schema": {"type": "object", "properties": properties}}


def test_secret_that_the_schema_no_longer_calls_one_stays_sealed_through_every_update(
    commit_source: CommitSource, registrar: "Registrar", state: State
) -> None:
    commit_source([schema(token=SECRET)])
    registrar.init()
    registrar.deploy(config={"token": "canary", "zone": "a"})
    commit_source([schema(token={"type": "string"})])
    registrar.init()
    assert registrar.deployment()["config"] == {"token": MASK, "zone": "a"}
    for change in ({"config": {"token": MASK, "zone": "b"}}, {"schedule": "every 2h"}):
        registrar.client.patch("/api/v1/deployments/prod", json=change)
    with state.database.read() as connection:
        row = connection.execute(select(deployments)).one()
    assert "canary" not in str(row)
    opened = state.secrets.open_config(row.id, row.config)
    assert opened.config == {"token": "canary", "zone": "b"}


def test_secret_moves_out_to_the_object_around_it_and_in_again(
    commit_source: CommitSource, registrar: "Registrar", state: State
) -> None:
    login = {"user": "u", "password": "canary", "key": "env:KEY"}
    inner = {"type": "object", "properties": {"password": SECRET, "key": SECRET}}
    outer = {"type": "object", "writeOnly": True}
    commit_source([schema(login=inner)])
    registrar.init()
    registrar.deploy(config={"login": login})
    assert registrar.deployment()["config"] == {"login": login | {"password": MASK}}
    for now in (outer, inner, {"type": "object"}):
        commit_source([schema(login=now)])
        registrar.init()
        with state.database.read() as connection:
            row = connection.execute(select(deployments)).one()
        opened = state.secrets.open_config(row.id, row.config)
        assert opened.config == {"login": login}
        assert opened.references == ("/login/key",)
        shown = registrar.deployment()["config"]["login"]
        assert shown == {"user": MASK, "password": MASK, "key": "env:KEY"}


def test_text_that_becomes_a_secret_does_not_become_a_reference(
    commit_source: CommitSource, registrar: "Registrar"
) -> None:
    commit_source([DNS])
    registrar.init()
    registrar.deploy(config={"token": "env:KEY", "bad": "vault:x"})
    commit_source([schema(token=SECRET, bad=SECRET)])
    registrar.init()
    assert registrar.deployment()["config"] == {"token": MASK, "bad": MASK}
