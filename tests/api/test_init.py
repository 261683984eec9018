import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_openapi.openapi import OpenAPI

from api.app import create_app
from api.database import Database
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.conftest import Registrar


CommitSource = Callable[..., str]
DNS = {"name": "dns", "title": "DNS"}
WEB = {"name": "web", "title": "Web"}


def test_manifest_becomes_records_and_again_nothing_changes(
    commit_source: CommitSource, registrar: "Registrar"
) -> None:
    commit = commit_source([DNS, WEB])
    nothing: dict[str, Any] = {"updated": [], "disabled": [], "rejected": []}
    assert registrar.init() == {
        "commit": commit,
        "created": ["dns", "web"],
        "unchanged": [],
        **nothing,
    }
    assert registrar.init() == {
        "commit": commit,
        "created": [],
        "unchanged": ["dns", "web"],
        **nothing,
    }
    assert registrar.integration("dns")["state"] == "registered"


def test_changed_entry_is_updated_and_every_entry_shows_the_new_commit(
    commit_source: CommitSource, registrar: "Registrar"
) -> None:
    commit_source([DNS, WEB])
    registrar.init()
    commit = commit_source([DNS | {"title": "Names"}, WEB])
    answer = registrar.init()
    assert (answer["updated"], answer["unchanged"]) == (["dns"], ["web"])
    assert registrar.integration("dns")["title"] == "Names"
    assert registrar.integration("web")["commit"] == commit


def test_bad_entry_spoils_only_itself_and_keeps_its_record(
    commit_source: CommitSource, registrar: "Registrar"
) -> None:
    commit_source([DNS, WEB])
    registrar.init()
    registrar.deploy()
    commit_source([DNS | {"colour": "red"}, WEB | {"title": "The web"}])
    answer = registrar.init()
    assert answer["updated"] == ["web"]
    assert [rejected["name"] for rejected in answer["rejected"]] == ["dns"]
    kept = registrar.integration("dns")
    assert (kept["title"], kept["state"]) == ("DNS", "registered")
    assert "colour" in kept["problem"]["reason"]
    assert set(kept["problem"]) == {"reason", "advice"}
    assert registrar.deployment()["state"] == "active"
    commit_source([DNS, WEB])
    registrar.init()
    assert registrar.integration("dns")["problem"] is None


def test_unreachable_source_is_502_and_touches_nothing(
    commit_source: CommitSource, registrar: "Registrar", tmp_path: Path
) -> None:
    commit_source([DNS])
    registrar.init()
    before = registrar.client.get("/api/v1/integrations").json
    shutil.move(tmp_path / "source", tmp_path / "away")
    answer = registrar.client.post("/init-integrations")
    assert answer.status_code == 502
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["advice"]
    assert registrar.client.get("/api/v1/integrations").json == before


def test_unusable_manifest_is_422_and_touches_nothing(
    commit_source: CommitSource, registrar: "Registrar"
) -> None:
    commit_source([DNS])
    registrar.init()
    commit_source("[{")
    answer = registrar.client.post("/init-integrations")
    assert answer.status_code == 422
    assert "line 1" in answer.get_json()["detail"]
    assert registrar.integration("dns")["state"] == "registered"


def test_concurrent_inits_come_one_after_the_other(
    commit_source: CommitSource, registrar: "Registrar", app: OpenAPI
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
    assert registrar.client.get("/api/v1/integrations").get_json()["items"][0]["name"] == "dns"


def test_credentials_of_the_source_are_shown_nowhere(
    settings: Settings, database: Database
) -> None:
    url = "https://ada:canary-51f@127.0.0.1:1/repo.git"
    here = create_app(settings.model_copy(update={"source_url": url}), database).test_client()
    answer = here.post("/init-integrations")
    assert answer.status_code == 502
    assert "canary" not in answer.text
