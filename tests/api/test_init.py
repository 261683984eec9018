import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

from api.app import create_app
from api.database import Database
from utils.settings import Settings

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


def test_manifest_becomes_records_and_again_nothing_changes(
    commit_source: CommitSource, client: FlaskClient
) -> None:
    commit = commit_source([DNS, WEB])
    nothing: dict[str, Any] = {"updated": [], "disabled": [], "rejected": []}
    assert init(client) == {
        "commit": commit,
        "created": ["dns", "web"],
        "unchanged": [],
        **nothing,
    }
    assert init(client) == {
        "commit": commit,
        "created": [],
        "unchanged": ["dns", "web"],
        **nothing,
    }
    assert integration(client, "dns")["state"] == "registered"


def test_changed_entry_is_updated_and_every_entry_shows_the_new_commit(
    commit_source: CommitSource, client: FlaskClient
) -> None:
    commit_source([DNS, WEB])
    init(client)
    commit = commit_source([DNS | {"title": "Names"}, WEB])
    answer = init(client)
    assert (answer["updated"], answer["unchanged"]) == (["dns"], ["web"])
    assert integration(client, "dns")["title"] == "Names"
    assert integration(client, "web")["commit"] == commit


def test_bad_entry_spoils_only_itself_and_keeps_its_record(
    commit_source: CommitSource, client: FlaskClient
) -> None:
    commit_source([DNS, WEB])
    init(client)
    deploy(client)
    commit_source([DNS | {"colour": "red"}, WEB | {"title": "The web"}])
    answer = init(client)
    assert answer["updated"] == ["web"]
    assert [rejected["name"] for rejected in answer["rejected"]] == ["dns"]
    kept = integration(client, "dns")
    assert (kept["title"], kept["state"]) == ("DNS", "registered")
    assert "colour" in kept["problem"]["reason"]
    assert set(kept["problem"]) == {"reason", "advice"}
    assert prod(client)["state"] == "active"
    commit_source([DNS, WEB])
    init(client)
    assert integration(client, "dns")["problem"] is None


def test_unreachable_source_is_502_and_touches_nothing(
    commit_source: CommitSource, client: FlaskClient, tmp_path: Path
) -> None:
    commit_source([DNS])
    init(client)
    before = client.get("/api/v1/integrations").json
    shutil.move(tmp_path / "source", tmp_path / "away")
    answer = client.post("/init-integrations")
    assert answer.status_code == 502
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["advice"]
    assert client.get("/api/v1/integrations").json == before


def test_unusable_manifest_is_422_and_touches_nothing(
    commit_source: CommitSource, client: FlaskClient
) -> None:
    commit_source([DNS])
    init(client)
    commit_source("[{")
    answer = client.post("/init-integrations")
    assert answer.status_code == 422
    assert "line 1" in answer.get_json()["detail"]
    assert integration(client, "dns")["state"] == "registered"


def test_concurrent_inits_come_one_after_the_other(
    commit_source: CommitSource, client: FlaskClient, app: OpenAPI
) -> None:
    commit_source([DNS, WEB])
    answers: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(app.test_client().post("/init-integrations").json)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(len(answer["created"]) for answer in answers) == [0, 0, 0, 2]
    assert client.get("/api/v1/integrations").get_json()["items"][0]["name"] == "dns"


def test_credentials_of_the_source_are_shown_nowhere(
    settings: Settings, database: Database
) -> None:
    url = "https://ada:canary-51f@127.0.0.1:1/repo.git"
    here = create_app(settings.model_copy(update={"source_url": url}), database).test_client()
    answer = here.post("/init-integrations")
    assert answer.status_code == 502
    assert "canary" not in answer.text
