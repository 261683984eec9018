from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from api.app import create_app
from api.config_secrets import MASK
from api.database import Database
from api.deployments import _check_unchanged, deployment_id_of
from api.problems import Conflict, NotFound
from api.rotation import forget
from api.secret_key import Keyring
from api.state import State
from api.tables import deployments, integrations
from utils.settings import Settings

URL = "/api/v1/deployments"
NEW: dict[str, Any] = {"name": "prod", "integration": "dns", "config": {"token": "s3cret"}}


def create(client: FlaskClient, **fields: Any) -> Any:
    answer = client.post(URL, json=NEW | fields)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_created_deployment_is_found_by_id_and_by_name(registered: FlaskClient) -> None:
    made = create(registered, schedule="every 15m")
    assert made["state"] == "active"
    assert made["next_due_at"] == "2026-03-02T12:15:00.000Z"
    assert registered.get(f"{URL}/{made['id']}").json == made
    assert registered.get(f"{URL}/prod").json == made
    assert registered.get(URL).json == {"items": [made], "next_cursor": None}


def test_secret_is_sealed_at_rest_and_masked_in_answers(
    registered: FlaskClient, state: State, settings: Settings
) -> None:
    made = create(registered, config={"token": "canary-7f3", "hosts": [{"key": "canary-8a1"}]})
    assert made["config"] == {"token": MASK, "hosts": [{"key": MASK}]}
    for file in settings.data_dir.glob("trueline.db*"):
        assert b"canary" not in file.read_bytes()
    with state.database.read() as connection:
        row = connection.execute(select(deployments)).one()
    assert "canary" not in str(row)
    opened = state.secrets.open_config(row.id, row.config)
    assert opened.config == {"token": "canary-7f3", "hosts": [{"key": "canary-8a1"}]}
    assert sorted(opened.secrets) == ["/hosts/0/key", "/token"]


def test_mask_in_an_update_keeps_the_stored_secret(registered: FlaskClient, state: State) -> None:
    create(registered)
    changed = registered.patch(f"{URL}/prod", json={"config": {"token": MASK, "zone": "a"}})
    assert changed.status_code == 200
    assert changed.get_json()["config"] == {"token": MASK, "zone": "a"}
    with state.database.read() as connection:
        row = connection.execute(select(deployments)).one()
    assert state.secrets.open_config(row.id, row.config).config == {"token": "s3cret", "zone": "a"}


def test_mask_without_a_stored_secret_is_refused(registered: FlaskClient) -> None:
    answer = registered.post(URL, json=NEW | {"config": {"token": MASK}})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == "/config/token"


def test_secret_never_moves_to_another_item_of_a_list(registered: FlaskClient) -> None:
    hosts = [{"name": "a", "key": "1"}, {"name": "b", "key": "2"}]
    create(registered, config={"token": "t", "hosts": hosts})
    stolen = {"token": MASK, "hosts": [{"name": "evil", "key": MASK}]}
    assert registered.patch(f"{URL}/prod", json={"config": stolen}).status_code == 422
    second = {"token": MASK, "hosts": [{"name": "b", "key": MASK}]}
    assert registered.patch(f"{URL}/prod", json={"config": second}).status_code == 200


def test_sealed_secret_that_comes_in_is_refused_and_never_opened(
    registered: FlaskClient, state: State
) -> None:
    create(registered)
    with state.database.read() as connection:
        stolen = connection.execute(select(deployments)).one().config["token"]
    for zone in (stolen, {"$sealed": 5}, {"a": {"$sealed": ["x"]}}):
        answer = registered.patch(f"{URL}/prod", json={"config": {"token": MASK, "zone": zone}})
        assert answer.status_code == 422
        assert "'$sealed' is ours" in answer.get_json()["detail"]
    assert "s3cret" not in registered.get(f"{URL}/prod").text


def test_update_that_is_nested_too_deeply_is_refused(registered: FlaskClient) -> None:
    create(registered)
    body = '{"config": {"zone": ' + '{"a":' * 900 + "1" + "}" * 900 + "}}"
    answer = registered.patch(f"{URL}/prod", data=body, content_type="application/json")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({}, "/config"),
        ({"token": 7}, "/config/token"),
        ({"token": "x", "zones": 1}, "/config/zones"),
        ({"token": "x", "zone": {"$sealed": "x"}}, "/config"),
        ({"token": "nul\0"}, "/config/token"),
    ],
)
def test_config_that_does_not_fit_is_refused_with_pointers(
    registered: FlaskClient, config: dict[str, Any], pointer: str
) -> None:
    answer = registered.post(URL, json=NEW | {"config": config})
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.get_json()["errors"]]
    assert answer.get_json()["advice"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"schedule": "0 25 * * *"}, "/schedule"),
        ({"schedule": "0 0 30 2 *"}, "/schedule"),
        ({"timezone": "Europe/Berln"}, "/timezone"),
        ({"integration": "dnss"}, "/integration"),
        ({"integration": "d\0"}, "/integration"),
        ({"name": ""}, "/name"),
        ({"name": "a/b"}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": "01234567-89ab-cdef-0123-456789abcdef"}, "/name"),
        ({"enabled": "yes"}, "/enabled"),
        ({"shedule": "every 1h"}, "/shedule"),
    ],
)
def test_wrong_field_is_pointed_at(
    registered: FlaskClient, fields: dict[str, Any], pointer: str
) -> None:
    answer = registered.post(URL, json=NEW | fields)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_name_can_be_given_once(registered: FlaskClient) -> None:
    create(registered)
    assert registered.post(URL, json=NEW).status_code == 409
    create(registered, name="other")
    assert registered.patch(f"{URL}/other", json={"name": "prod"}).status_code == 409


def test_paused_deployment_is_due_again_when_resumed(registered: FlaskClient, clock: Any) -> None:
    create(registered, schedule="every 1h")
    paused = registered.patch(f"{URL}/prod", json={"enabled": False}).get_json()
    assert (paused["state"], paused["next_due_at"]) == ("paused", None)
    clock.move(hours=5, minutes=1)
    resumed = registered.patch(f"{URL}/prod", json={"enabled": True}).get_json()
    assert (resumed["state"], resumed["next_due_at"]) == ("active", "2026-03-02T18:00:00.000Z")


def test_change_of_another_field_keeps_the_due_time(registered: FlaskClient, clock: Any) -> None:
    due = create(registered, schedule="every 1h")["next_due_at"]
    clock.move(hours=3)
    renamed = registered.patch(f"{URL}/prod", json={"name": "live"}).get_json()
    assert (renamed["name"], renamed["next_due_at"]) == ("live", due)
    moved = registered.patch(f"{URL}/live", json={"schedule": "every 2h"}).get_json()
    assert moved["next_due_at"] == "2026-03-02T16:00:00.000Z"
    assert registered.patch(f"{URL}/live", json={"schedule": None}).get_json()["schedule"] is None


def test_integration_of_a_deployment_cannot_be_changed(registered: FlaskClient) -> None:
    create(registered)
    answer = registered.patch(f"{URL}/prod", json={"integration": "other"})
    assert answer.status_code == 422
    assert registered.patch(f"{URL}/prod", json={"integration": "dns"}).status_code == 200


def test_lost_key_leaves_the_deployment_usable_once_its_secret_is_set_again(
    registered: FlaskClient, settings: Settings, database: Database
) -> None:
    create(registered)
    (lost,) = Keyring.of(settings).read()
    (settings.data_dir / "secret.key").write_text("Kh0DzTHcV1FvXzYMlLBH8T5R4PDzuoJSxYGXj2cqPSE=\n")
    client = create_app(settings, database).test_client()
    kept = client.patch(f"{URL}/prod", json={"config": {"token": MASK}})
    assert kept.status_code == 409
    assert "cannot be opened" in kept.get_json()["detail"]
    refused = client.patch(f"{URL}/prod", json={"config": {"token": "new"}})
    assert refused.status_code == 503
    assert lost.id in refused.get_json()["detail"]
    assert "forget" in refused.get_json()["advice"]
    forget(database, Keyring.of(settings), lost.id)
    assert client.patch(f"{URL}/prod", json={"config": {"token": "new"}}).status_code == 200


def test_unknown_deployment_gets_a_suggestion(registered: FlaskClient) -> None:
    create(registered, name="production")
    for answer in (
        registered.get(f"{URL}/producton"),
        registered.patch(f"{URL}/producton", json={}),
        registered.delete(f"{URL}/producton"),
    ):
        assert answer.status_code == 404
        assert "did you mean 'production'" in answer.get_json()["detail"]


def test_integration_that_changes_meanwhile_makes_a_conflict(
    registered: FlaskClient, state: State
) -> None:
    create(registered)
    with state.database.read() as connection:
        before = connection.execute(select(integrations)).one()
    with state.database.write() as connection:
        connection.execute(integrations.update().values(enabled=False))
        with pytest.raises(Conflict, match="changed meanwhile"):
            _check_unchanged(connection, before)


def test_lists_are_filtered_by_a_name_or_by_an_id_even_of_a_deployment_that_is_gone(
    registered: FlaskClient, state: State
) -> None:
    made = create(registered)
    gone = "01234567-89ab-cdef-0123-456789abcdef"
    with state.database.read() as connection:
        assert deployment_id_of(connection, "prod") == made["id"]
        assert deployment_id_of(connection, made["id"]) == made["id"]
        assert deployment_id_of(connection, gone) == gone
        with pytest.raises(NotFound, match="did you mean 'prod'"):
            deployment_id_of(connection, "prd")


@pytest.mark.parametrize("listed", ["jobs", "violations"])
@pytest.mark.parametrize("query", ["deployment=prd", "integration=dsn"])
def test_lists_of_what_nothing_is_named_are_not_empty_but_refused(
    registered: FlaskClient, listed: str, query: str
) -> None:
    create(registered)
    answer = registered.get(f"/api/v1/{listed}?{query}")
    assert answer.status_code == 404
    assert "did you mean" in answer.text


def test_name_that_cannot_be_one_is_told_what_can(registered: FlaskClient) -> None:
    answer = registered.post(URL, json=NEW | {"name": "a/b"})
    assert answer.status_code == 422
    assert "a name begins with a letter" in answer.text
