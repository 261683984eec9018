import threading
from typing import TYPE_CHECKING

import httpx2
import pytest
from sqlalchemy import text

from api.background import STUCK_SECONDS, TIDY_SECONDS, Background
from api.database import Database
from api.health import NotReadyError
from api.state import State
from tests.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.conftest import CommitSource
    from tests.api.served import Served
    from tests.conftest import Eventually


def test_server_sends_what_is_due_and_goes_on_after_a_fault_of_the_database(
    database: Database,
    receiver: Receiver,
    start_server: "Callable[..., Served]",
    eventually: "Eventually",
) -> None:
    served = start_server(TRUELINE_NOTIFY_PRIVATE="127.0.0.1/32")
    with database.write() as connection:
        connection.execute(text("ALTER TABLE deliveries RENAME TO hidden"))
    eventually(lambda: any("database" in it["event"] for it in served.log_lines[2:]))
    with database.write() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO deliveries"))
    with httpx2.Client(base_url=served.url, timeout=30) as http:
        body = {"name": "ops", "url": receiver.url}
        assert http.post("/api/v1/webhooks", json=body).status_code == 201
        assert http.post("/api/v1/webhooks/ops/test").status_code == 202
    eventually(lambda: len(receiver.received) == 1)


def test_setting_that_cannot_be_read_keeps_the_api_from_starting(
    start_server: "Callable[..., Served]",
) -> None:
    served = start_server(wait=False, TRUELINE_NOTIFY_PRIVATE="localhost")
    assert served.process.wait(30) == 2
    assert "TRUELINE_NOTIFY_PRIVATE" in served.log.read_text()


def test_thread_that_hangs_or_has_ended_is_told(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    background = Background(state)
    background.start()
    try:
        assert [it.error for it in state.checks.run() if it.name == "background"] == [None]
        hung = background._rounds["tidying"]
        monkeypatch.setattr(hung, "turned_at", hung.turned_at - TIDY_SECONDS - 2 * STUCK_SECONDS)
        with pytest.raises(NotReadyError, match="'tidying' of this process has hung for"):
            background.check()
        over = threading.Thread(target=lambda: None)
        monkeypatch.setattr(background._rounds["sending"], "thread", over)
        with pytest.raises(NotReadyError, match="'sending' of this process has ended"):
            background.check()
    finally:
        state.wakeups.close()
    background.check()


def test_threads_end_with_the_waits_of_requests(
    state: State, commit_source: "CommitSource", eventually: "Eventually"
) -> None:
    commit_source([{"name": "dns", "title": "DNS"}])
    before = set(threading.enumerate())
    background = Background(state)
    background.start()
    assert len(set(threading.enumerate()) - before) == 4
    state.wakeups.close()
    eventually(lambda: not set(threading.enumerate()) - before)
