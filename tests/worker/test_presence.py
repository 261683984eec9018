from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from utils import __version__
from utils.checks import Checks
from worker.api_client import ApiClient
from worker.outbox import Outbox
from worker.presence import Identity, Presence

if TYPE_CHECKING:
    from tests.worker.conftest import Said, ScriptedApi

PATH = "/api/v1/workers/w%201"


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
def presence(scripted_api: ScriptedApi, checks: Checks, tmp_path: Path) -> Iterator[Presence]:
    client = ApiClient(scripted_api.url, "", "w 1")
    outbox = Outbox(tmp_path / "outbox.db")
    yield Presence(
        client.tell_presence, Identity("sandbox", "open", 4), checks, lambda: 2, outbox.depth
    )
    outbox.close()
    client.close()


def test_a_report_has_all_that_the_api_asks_for(
    presence: Presence, scripted_api: ScriptedApi, said: type[Said], checks: Checks
) -> None:
    scripted_api.say(PATH, said(body={"status": "ok"}))
    checks.add("disk", lambda: "fine")
    presence.tell()
    presence.tell_end()
    running, stopped = scripted_api.bodies(PATH)
    assert (running["version"], running["state"], running["jobs_running"]) == (
        __version__,
        "running",
        2,
    )
    assert [check["name"] for check in running["checks"]] == ["API", "disk"]
    assert stopped["state"] == "stopped"


def test_an_api_that_does_not_answer_is_said_once_and_is_a_failed_check_until_it_does(
    presence: Presence, scripted_api: ScriptedApi, said: type[Said], checks: Checks
) -> None:
    scripted_api.say(PATH, said(503), said(503), said(body={"status": "ok"}))
    with capture_logs() as logs:
        presence.tell()
        presence.tell()
    assert [entry["event"] for entry in logs] == ["presence not told"]
    assert "503" in str(checks.run()[0].error)
    presence.tell()
    assert checks.run()[0].error is None


def test_the_end_is_not_told_where_nobody_heard_of_the_beginning(
    presence: Presence, scripted_api: ScriptedApi
) -> None:
    presence.tell_end()
    assert scripted_api.asked == []
