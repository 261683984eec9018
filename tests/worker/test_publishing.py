from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from worker.api_client import ApiClient
from worker.isolation import Isolation
from worker.publishing import Publishing
from worker.warm_state import WarmState

if TYPE_CHECKING:
    from tests.worker.conftest import Said, ScriptedApi, SmallSource, SyncParts

CATALOGUE = "/api/v1/catalogue"


@pytest.fixture
def parts(small_source: SmallSource, sync_parts: Callable[[], SyncParts]) -> SyncParts:
    small_source.put("good")
    small_source.put("bad", entry="class (")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()
    return parts


@pytest.fixture
def states() -> list[WarmState]:
    """How integrations start; the last one counts."""
    return [WarmState("idle")]


@pytest.fixture
def publishing(
    scripted_api: ScriptedApi, parts: SyncParts, states: list[WarmState]
) -> Iterator[Publishing]:
    client = ApiClient(scripted_api.url, "", "worker-1")
    yield Publishing(client, parts.current, parts.sync, Isolation.PROCESS, lambda _: states[-1])
    client.close()


def test_catalogue_tells_what_runs_and_what_does_not(
    scripted_api: ScriptedApi, said: type[Said], parts: SyncParts, publishing: Publishing
) -> None:
    scripted_api.say(CATALOGUE, said(body={"known": ["good", "bad"], "unknown": []}))

    publishing.publish()

    (body,) = scripted_api.bodies(CATALOGUE)
    assert body["commit"] == parts.catalogue.commit
    assert body["source"] == {
        "url": parts.source.path.as_uri(),
        "ref": "HEAD",
        "state": "ok",
        "problem": None,
    }
    assert body["isolation"] == "process"
    sent = {it["name"]: it for it in body["integrations"]}
    assert (sent["good"]["state"], sent["good"]["problem"]) == ("ready", None)
    assert [task["name"] for task in sent["good"]["tasks"]] == ["look"]
    assert sent["good"]["environment"]["key"]
    assert sent["bad"]["state"] == "broken"
    assert "entry.py" in sent["bad"]["problem"]["reason"]
    assert sent["bad"]["environment"] is None


def test_catalogue_that_arrived_is_not_sent_again(
    scripted_api: ScriptedApi, said: type[Said], publishing: Publishing
) -> None:
    scripted_api.say(CATALOGUE, said(body={"known": ["good"], "unknown": ["bad"]}))
    publishing.publish()

    publishing.catch_up()

    assert len(scripted_api.asked) == 1


def test_catalogue_is_sent_again_once_an_integration_starts_otherwise(
    scripted_api: ScriptedApi,
    said: type[Said],
    publishing: Publishing,
    states: list[WarmState],
) -> None:
    scripted_api.say(CATALOGUE, said(body={"known": ["good"], "unknown": ["bad"]}))
    publishing.publish()

    states.append(WarmState("unfit", "it starts a thread"))
    publishing.catch_up()
    publishing.catch_up()

    first, second = scripted_api.bodies(CATALOGUE)
    (before,) = (it["environment"] for it in first["integrations"] if it["name"] == "good")
    (after,) = (it["environment"] for it in second["integrations"] if it["name"] == "good")
    assert before["warm"] == {"state": "idle", "reason": None}
    assert after["warm"] == {"state": "unfit", "reason": "it starts a thread"}


def test_catalogue_that_did_not_arrive_is_sent_later(
    scripted_api: ScriptedApi, said: type[Said], publishing: Publishing
) -> None:
    scripted_api.say(CATALOGUE, said(503), said(body={"known": ["good", "bad"]}))
    with capture_logs() as logs:
        publishing.publish()
        publishing.catch_up()
        publishing.catch_up()

    assert len(scripted_api.asked) == 2
    assert [entry["event"] for entry in logs] == ["catalogue not sent", "catalogue sent"]


def test_catalogue_that_changes_while_the_one_before_is_sent_is_sent_too(
    scripted_api: ScriptedApi, said: type[Said], parts: SyncParts, publishing: Publishing
) -> None:
    syncing = threading.Thread(target=publishing.publish)

    def answer(_: object) -> Said:
        if syncing.ident is None:
            parts.current.replace(replace(parts.catalogue, commit="f" * 40))
            syncing.start()
            syncing.join(0.1)  # it waits for its turn
        return said(body={"known": ["good", "bad"], "unknown": []})

    scripted_api.answers[CATALOGUE] = answer
    publishing.publish()
    syncing.join()

    assert [body["commit"] for body in scripted_api.bodies(CATALOGUE)][1:] == ["f" * 40]


def test_integrations_that_await_init_are_told_again_until_they_are_registered(
    scripted_api: ScriptedApi, said: type[Said], publishing: Publishing
) -> None:
    waiting = said(body={"known": [], "unknown": ["good", "bad"]})
    scripted_api.say(CATALOGUE, waiting, waiting, said(body={"known": ["good"]}))
    with capture_logs() as logs:
        publishing.publish()
        for _ in range(3):
            publishing.catch_up()

    assert len(scripted_api.asked) == 3
    assert [entry["unregistered"] for entry in logs] == [["good"], []]


def test_entry_whose_name_no_record_can_have_does_not_spoil_the_catalogue(
    scripted_api: ScriptedApi, said: type[Said], parts: SyncParts, publishing: Publishing
) -> None:
    parts.source.put("n" * 70)
    parts.source.push()
    parts.sync.run()
    assert parts.catalogue.offers["n" * 70].problem
    scripted_api.say(CATALOGUE, said(body={"known": ["good", "bad"], "unknown": []}))

    publishing.publish()

    (body,) = scripted_api.bodies(CATALOGUE)
    assert {it["name"] for it in body["integrations"]} == {"good", "bad"}
