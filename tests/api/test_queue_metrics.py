from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from api.metrics import MOST_INTEGRATIONS
from api.queue_metrics import QueueCollector, _bounded
from api.routes.workers import known_workers

if TYPE_CHECKING:
    from api.state import State
    from tests.api.desk import Desk
    from utils.settings import Settings


def value(of: State, name: str, /, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(QueueCollector(of, known_workers))
    return registry.get_sample_value(name, labels)


def test_the_queue_is_told_with_the_age_of_its_oldest_job(desk: Desk, state: State) -> None:
    desk.start()
    desk.clock.move(seconds=40)
    desk.start()
    desk.clock.move(seconds=2)
    assert value(state, "trueline_queue_jobs", integration="tool") == 2
    assert value(state, "trueline_queue_oldest_seconds", integration="tool") == 42
    desk.lease()
    assert value(state, "trueline_queue_jobs", integration="tool") == 1
    assert value(state, "trueline_queue_oldest_seconds", integration="tool") == 2
    assert value(state, "trueline_jobs_running", integration="tool") == 1


def test_workers_are_told_by_state_and_their_outboxes_by_name(
    desk: Desk, state: State, presence: dict[str, Any]
) -> None:
    desk.good(desk.client.put("/api/v1/workers/w1", json=presence))
    desk.clock.move(hours=1)
    desk.good(desk.client.put("/api/v1/workers/w2", json=presence | {"outbox_events": 7}))
    assert value(state, "trueline_workers", state="silent") == 1
    assert value(state, "trueline_workers", state="running") == 1
    assert value(state, "trueline_outbox_events", worker="w2") == 7


def test_messages_that_wait_are_told_by_webhook(desk: Desk, state: State) -> None:
    for name in ("ops", "tickets"):
        body = {"name": name, "url": "https://hooks.example.com/"}
        desk.good(desk.client.post("/api/v1/webhooks", json=body))
    desk.good(desk.client.post("/api/v1/webhooks/ops/test"))
    desk.clock.move(seconds=7)
    desk.good(desk.client.post("/api/v1/webhooks/ops/test"))
    assert value(state, "trueline_webhook_queue_deliveries", webhook="ops") == 2
    assert value(state, "trueline_webhook_queue_oldest_seconds", webhook="ops") == 7
    assert value(state, "trueline_webhook_queue_deliveries", webhook="tickets") is None


@pytest.mark.only_on("sqlite")  # it spoils the database's file
def test_a_database_that_is_away_is_told_and_nothing_else(
    desk: Desk, state: State, settings: Settings
) -> None:
    assert value(state, "trueline_database_up") == 1
    state.database.close()
    for file in settings.data_dir.glob("trueline.db*"):
        file.write_bytes(b"a poem " * 1000)
    assert value(state, "trueline_database_up") == 0
    assert value(state, "trueline_workers", state="running") is None
    assert desk.client.get("/metrics").status_code == 200


def test_the_rest_of_many_integrations_is_one() -> None:
    counts = {f"i{n}": n for n in range(MOST_INTEGRATIONS + 3)}
    shown = _bounded(counts, sum)
    assert len(shown) == MOST_INTEGRATIONS + 1
    assert shown["other"] == 3 * MOST_INTEGRATIONS + 3
