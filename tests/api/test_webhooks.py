"""People are told through apprise by the same queue."""

import json
from typing import TYPE_CHECKING

import pytest

from api.background import make_sender
from api.rotation import forget
from api.secret_key import SecretKeyError, new_key
from api.state import State
from api.webhooks import Opened, _sealed, open_sealed
from tests.receiver import Receiver, Reply
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.desk import Desk


@pytest.fixture
def settings(settings: Settings) -> Settings:
    public = {"notify_private": "127.0.0.1/32", "public_url": "https://t.example"}
    return settings.model_copy(update=public)


def test_people_get_one_message_for_a_job(desk: "Desk", state: State, receiver: Receiver) -> None:
    url = f"json://127.0.0.1:{receiver.port}/s3cret"
    body = {"name": "people", "kind": "apprise", "url": url}
    made = desk.good(desk.client.post("/api/v1/webhooks", json=body))
    assert (made["secret"], made["address"]) == (None, "json://…")
    resources = [{"id": f"r{n}"} for n in range(300)]
    desk.run({"name": "check", "verdict": "fail", "message": "m", "resources": resources})
    receiver.replies.append(Reply(200))
    assert make_sender(state).send_all(made["id"]) == 1
    (got,) = receiver.received
    said = json.loads(got.body)
    assert said["title"] == "nightly: 300 opened"
    assert "... and 280 more" in said["message"]
    assert said["message"].splitlines()[-1] == "https://t.example/violations"
    (row,) = desk.good(desk.client.get("/api/v1/deliveries"))["items"]
    assert (row["status"], row["type"]) == ("delivered", "dev.trueline.digest")


def test_secret_for_people_is_refused(desk: "Desk") -> None:
    body = {"name": "people", "kind": "apprise", "url": "jsons://example.com/", "secret": "x"}
    assert desk.client.post("/api/v1/webhooks", json=body).status_code == 422
    missing = desk.client.post("/api/v1/webhooks", json=body | {"url": "exec://sh"})
    assert missing.status_code == 422


def test_what_is_sealed_opens_for_its_own_webhook_alone(state: State) -> None:
    opened = Opened("https://example.com/s3cret", "whsec_x")
    with state.database.write() as connection:
        sealed = _sealed(state.secrets, connection, "one", opened)
    assert "s3cret" not in str(sealed) + str(opened)
    assert open_sealed(state.secrets, "one", sealed) == opened
    with pytest.raises(SecretKeyError):
        open_sealed(state.secrets, "other", sealed)


def test_address_whose_key_is_gone_is_set_anew(desk: "Desk", state: State) -> None:
    body = {"name": "ops", "url": "https://example.com/hook"}
    desk.good(desk.client.post("/api/v1/webhooks", json=body))
    keyring = state.secrets.keyring
    (lost,) = keyring.read()
    keyring.replace((new_key(),))
    forget(state.database, keyring, lost.id)
    answer = desk.client.patch("/api/v1/webhooks/ops", json={"url": "https://new.example/"})
    assert answer.status_code == 409
    assert answer.json is not None
    assert "new_secret" in answer.json["advice"]
    both = {"url": "https://new.example/", "new_secret": True}
    assert desk.client.patch("/api/v1/webhooks/ops", json=both).status_code == 200
