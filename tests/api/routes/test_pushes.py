import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.database import Database
from api.guard import PUSH_BYTES
from api.looks import looks_asked
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.conftest import CommitSource
    from tests.api.hand_clock import HandClock
    from tests.api.served import Served
    from tests.conftest import Eventually


SECRET = "forge-and-api-know-it"
KEY = b"k" * 32
WHSEC = "whsec_" + base64.b64encode(KEY).decode()
SOURCE = "https://github.example/acme/checks.git"
PUSH = {
    "ref": "refs/heads/main",
    "repository": {"clone_url": SOURCE, "default_branch": "main", "full_name": "acme/checks"},
}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    file = tmp_path / "secret"
    file.write_text(f"an-older-one\n{SECRET}\n{WHSEC}\n")
    return settings.model_copy(update={"webhook_secret_file": file, "source_url": SOURCE})


def digest(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(body: bytes, delivery: str = "d-1", event: str = "push") -> dict[str, str]:
    signed = {"X-Hub-Signature-256": f"sha256={digest(body)}"}
    return signed | {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery}


def gitea(body: bytes, delivery: str = "d-1") -> dict[str, str]:
    named = {"X-Gitea-Event": "push", "X-Gitea-Delivery": delivery}
    return named | {"X-Gitea-Signature": digest(body)}


def gitlab(_: bytes, delivery: str = "d-1") -> dict[str, str]:
    named = {"X-Gitlab-Event": "Push Hook", "Idempotency-Key": delivery}
    return named | {"X-Gitlab-Token": SECRET}


def gitlab_signed(body: bytes, at: float, message_id: str = "m-1") -> dict[str, str]:
    content = f"{message_id}.{int(at)}.".encode() + body
    signature = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    return {
        "X-Gitlab-Event": "Push Hook",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": f"v1,bm90IHRoaXMgb25l v1,{signature}",
    }


def send(client: FlaskClient, forge: str, headers: Mapping[str, str], body: bytes) -> TestResponse:
    # From outside: another name of this server, and nothing of a browser.
    given = {"Host": "trueline.example", "Content-Type": "application/json", **headers}
    return client.post(f"/webhooks/{forge}", data=body, headers=given)


def outcome(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, str(answer.json["status"])


def asked(database: Database) -> int:
    with database.read() as connection:
        return looks_asked(connection)


@pytest.mark.parametrize(
    ("forge", "signed"), [("github", github), ("gitea", gitea), ("gitlab", gitlab)]
)
def test_push_is_taken_in_once(
    client: FlaskClient, database: Database, forge: str, signed: Callable[..., dict[str, str]]
) -> None:
    body = json.dumps(PUSH).encode()
    assert outcome(send(client, forge, signed(body), body)) == (202, "accepted")
    assert outcome(send(client, forge, signed(body), body)) == (200, "repeated")
    assert asked(database) == 1


@pytest.mark.parametrize(("forge", "signed"), [("github", github), ("gitea", gitea)])
def test_captured_push_is_not_taken_in_under_another_id(
    client: FlaskClient, database: Database, forge: str, signed: Callable[..., dict[str, str]]
) -> None:
    body = json.dumps(PUSH).encode()
    send(client, forge, signed(body), body)
    assert outcome(send(client, forge, signed(body, "d-2"), body)) == (200, "repeated")
    other = json.dumps(PUSH | {"after": "f" * 40}).encode()
    assert outcome(send(client, forge, signed(other, "d-2"), other)) == (202, "accepted")
    assert asked(database) == 2


def test_signed_push_of_gitlab_is_taken_in_while_it_is_fresh(
    client: FlaskClient, clock: "HandClock", database: Database
) -> None:
    body, now = json.dumps(PUSH).encode(), clock.now.timestamp()
    for at in (now - 301, now + 301):
        assert send(client, "gitlab", gitlab_signed(body, at), body).status_code == 403
    assert outcome(send(client, "gitlab", gitlab_signed(body, now), body)) == (202, "accepted")
    assert outcome(send(client, "gitlab", gitlab_signed(body, now), body)) == (200, "repeated")
    renamed = gitlab_signed(body, now) | {"webhook-id": "m-2"}
    assert send(client, "gitlab", renamed, body).status_code == 403
    unsigned = gitlab_signed(body, now) | {"webhook-timestamp": "soon"}
    assert send(client, "gitlab", unsigned, body).status_code == 403
    assert asked(database) == 1


@pytest.mark.parametrize(
    ("forge", "headers"),
    [
        ("github", {}),
        ("github", {"X-Hub-Signature-256": "sha256="}),
        ("github", {"X-Hub-Signature-256": f"sha256={digest(b'another body')}"}),
        ("github", {"X-Hub-Signature-256": digest(json.dumps(PUSH).encode())}),
        ("github", {"X-Hub-Signature": "sha1=" + "0" * 40}),
        ("github", {"X-Hub-Signature-256": "sha256=é"}),
        ("gitea", {"X-Gitea-Signature": digest(json.dumps(PUSH).encode(), "guess")}),
        ("gitlab", {"X-Gitlab-Token": "guess"}),
        ("gitlab", {"X-Gitlab-Token": ""}),
        ("gitlab", {"webhook-signature": "v1,", "X-Gitlab-Token": SECRET}),
    ],
)
def test_forged_push_is_refused(
    client: FlaskClient, database: Database, forge: str, headers: Mapping[str, str]
) -> None:
    named = {"X-GitHub-Event": "push", "X-GitHub-Delivery": "d", "X-Gitea-Event": "push"}
    answer = send(client, forge, named | dict(headers), json.dumps(PUSH).encode())
    assert answer.status_code == 403
    assert asked(database) == 0


def test_tampered_body_is_refused(client: FlaskClient, database: Database) -> None:
    body = json.dumps(PUSH).encode()
    for place in range(0, len(body), 7):
        changed = bytearray(body)
        changed[place] ^= 1
        assert send(client, "github", github(body), bytes(changed)).status_code == 403
    assert asked(database) == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ref": "refs/heads/feature"}, "the source follows main"),
        ({"ref": "refs/tags/main2"}, "the source follows main"),
        ({"repository": {"clone_url": "https://github.example/acme/other"}}, "another repository"),
        ({"repository": {}}, "another repository"),
        ({"repository": {"clone_url": "https://evil\r\n\x1b[2Jx/"}}, "evil???[2Jx/"),
    ],
)
def test_push_that_does_not_concern_the_source_is_ignored_with_a_reason(
    client: FlaskClient, database: Database, change: dict[str, Any], why: str
) -> None:
    body = json.dumps(PUSH | change).encode()
    answer = send(client, "github", github(body), body)
    assert outcome(answer) == (200, "ignored")
    assert answer.json is not None
    assert why in answer.json["reason"]
    assert asked(database) == 0


@pytest.mark.parametrize(
    ("event", "wanted"), [("ping", "pong"), ("issues", "ignored"), ("", "ignored")]
)
def test_ping_is_answered_and_other_events_are_ignored(
    client: FlaskClient, database: Database, event: str, wanted: str
) -> None:
    body = b'{"zen": "Keep it logically awesome."}'
    assert outcome(send(client, "github", github(body, event=event), body)) == (200, wanted)
    assert asked(database) == 0


@pytest.mark.parametrize("body", [b"payload=%7B%7D", b"[]", b'{"ref": 1}', b"\xff", b"[" * 9999])
def test_body_that_is_no_push_is_refused_with_advice(client: FlaskClient, body: bytes) -> None:
    answer = send(client, "github", github(body), body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["advice"]


def test_push_without_an_id_and_unknown_forges_are_refused(client: FlaskClient) -> None:
    body = json.dumps(PUSH).encode()
    assert send(client, "github", github(body, delivery=""), body).status_code == 400
    assert send(client, "github", github(body, delivery="x" * 201), body).status_code == 400
    assert send(client, "sourcehut", github(body), body).status_code == 422
    assert client.get("/webhooks/github").status_code == 405


def test_body_beyond_the_cap_is_not_read(client: FlaskClient) -> None:
    body = b" " * (PUSH_BYTES + 1)
    assert send(client, "github", github(body), body).status_code == 413


def test_without_a_secret_nothing_is_taken_in(
    settings: Settings, client: FlaskClient, app: Any
) -> None:
    from dataclasses import replace  # noqa: PLC0415 - used here alone

    from api.state import KEY as STATE  # noqa: PLC0415 - same

    unset = settings.model_copy(update={"webhook_secret_file": None})
    app.extensions[STATE] = replace(app.extensions[STATE], settings=unset)
    body = json.dumps(PUSH).encode()
    answer = send(client, "github", github(body), body)
    assert answer.status_code == 403
    assert answer.json is not None
    assert "TRUELINE_WEBHOOK_SECRET_FILE" in answer.json["advice"]
    assert settings.webhook_secret_file is not None
    settings.webhook_secret_file.write_text("\n \n")
    app.extensions[STATE] = replace(app.extensions[STATE], settings=settings)
    assert send(client, "github", github(body), body).status_code == 503


def test_push_brings_the_new_commit_into_the_catalogue_within_a_moment(
    settings: Settings,
    tmp_path: Path,
    database: Database,
    commit_source: "CommitSource",
    start_server: Callable[..., "Served"],
    eventually: "Eventually",
) -> None:
    commit_source([{"name": "dns", "title": "DNS"}])
    source = (tmp_path / "source").as_uri()
    served = start_server(
        TRUELINE_WEBHOOK_SECRET_FILE=str(settings.webhook_secret_file), TRUELINE_SOURCE_URL=source
    )
    push = PUSH | {"repository": {"clone_url": source, "default_branch": "main"}}
    for n in range(20):  # a burst becomes a look or two
        body = json.dumps(push | {"after": str(n)}).encode()
        headers = github(body, f"d-{n}") | {"Content-Type": "application/json"}
        url = f"{served.url}/webhooks/github"
        answer = httpx2.post(url, content=body, headers=headers, timeout=30, verify=False)
        assert answer.status_code == 202, answer.text
    address = f"{served.url}/api/v1/integrations"
    eventually(
        lambda: [it["name"] for it in httpx2.get(address, verify=False).json()["items"]] == ["dns"]
    )
    lines = served.log_lines
    looks = [line for line in lines if line["event"] == "source read after a push"]
    assert 1 <= len(looks) < 10
    assert asked(database) == 20
