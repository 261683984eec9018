from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from worker.api_client import ApiClient
from worker.execution import JobOrder, Prepared, ProcessExecutor, StopSignal, WarmLimits
from worker.heartbeat import Heartbeat
from worker.held_leases import HeldLeases
from worker.isolation import Isolation
from worker.lease import Lease
from worker.leasing import Leasing, Room
from worker.outbox import Outbox
from worker.publishing import Publishing
from worker.warm_state import WarmState

if TYPE_CHECKING:
    from tests.worker.conftest import Said, ScriptedApi, SmallSource, SyncParts


@pytest.fixture
def warm_limits() -> WarmLimits:
    return WarmLimits(4, 1024**3)


def test_heartbeat_tells_how_the_worker_is_and_sends_a_catalogue_that_is_missing(
    scripted_api: ScriptedApi,
    said: type[Said],
    small_source: SmallSource,
    sync_parts: Callable[[], SyncParts],
    executor_with: Callable[[], ProcessExecutor],
    prepare: Callable[[str], Prepared],
    tmp_path: Path,
) -> None:
    small_source.put("one")
    commit = small_source.push()
    parts = sync_parts()
    parts.sync.run()
    scripted_api.say("/api/v1/catalogue", said(body={"known": ["one"]}))
    client = ApiClient(scripted_api.url, "", "worker-1")
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.append(Lease("a", 1, "t"), {"type": "started"})
    executor = executor_with()
    order = JobOrder("job-1", 1, "misbehaving", {"act": "behave"})
    executor.run(order, prepare("misbehaving"), lambda _event: None, StopSignal())
    assert executor.warm.totals().processes == 1
    heartbeat = Heartbeat(
        path=tmp_path / "worker.json",
        worker="worker-1",
        outbox=outbox,
        leasing=Leasing(client, HeldLeases(), lambda *_: "success", Room(1)),
        sync=parts.sync,
        current=parts.current,
        publishing=Publishing(
            client, parts.current, parts.sync, Isolation.PROCESS, lambda _: WarmState("idle")
        ),
        warm=executor.warm,
    )

    heartbeat.beat()

    state = json.loads((tmp_path / "worker.json").read_text())
    assert (state["worker"], state["pid"], state["commit"]) == ("worker-1", os.getpid(), commit)
    assert state["outbox"]["events"] == 1
    assert state["source"] == {"state": "ok", "problem": None}
    assert state["jobs_running"] == 0
    # What is warm is no part of this catalogue, so it has ended.
    assert state["warm"] == {"processes": 0, "memory_bytes": 0, "waiting": 0}
    assert len(scripted_api.bodies("/api/v1/catalogue")) == 1

    (tmp_path / "worker.json").unlink()
    (tmp_path / "worker.json").mkdir()
    heartbeat.beat()  # says so and goes on

    outbox.close()
    client.close()
