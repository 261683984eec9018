from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from api.database import Database
from api.deliveries import KEPT, KEPT_DEAD, bury_old, claim_one, record_try, remove_old
from api.delivery_rules import LONGEST, Tried

if TYPE_CHECKING:
    from tests.api.desk import Desk

SECOND = timedelta(seconds=1)


@pytest.fixture
def webhook(desk: "Desk") -> Any:
    body = {"name": "ops", "url": "https://example.com/hook"}
    return desk.good(desk.client.post("/api/v1/webhooks", json=body))


def queue(desk: "Desk") -> Any:
    return desk.good(desk.client.post("/api/v1/webhooks/ops/test"))


def listed(desk: "Desk", query: str = "") -> list[Any]:
    items: list[Any] = desk.good(desk.client.get(f"/api/v1/deliveries{query}"))["items"]
    return items


def deliver(desk: "Desk", database: Database, webhook: Any, tried: Tried) -> None:
    with database.write() as connection:
        claimed = claim_one(connection, webhook["id"], desk.clock.now)
        assert claimed is not None
        assert record_try(connection, claimed, tried, desk.clock.now, 0.0)


def test_deliveries_are_listed_by_status_and_webhook(
    desk: "Desk", database: Database, webhook: Any
) -> None:
    for _ in range(3):
        queue(desk)
        desk.clock.move(seconds=1)
    deliver(desk, database, webhook, Tried(answer=200))
    deliver(desk, database, webhook, Tried("it answered 410", 410))
    assert [row["status"] for row in listed(desk)] == ["pending", "dead", "delivered"]
    assert len(listed(desk, "?status=dead&status=pending&webhook=ops")) == 2
    assert [row["answer"] for row in listed(desk, "?status=delivered")] == [200]
    assert desk.client.get("/api/v1/deliveries?webhook=nobody").status_code == 404
    assert desk.client.get("/api/v1/deliveries?status=lost").status_code == 422


def test_unknown_delivery_is_told(desk: "Desk") -> None:
    assert desk.client.get("/api/v1/deliveries/none").status_code == 404
    assert desk.client.post("/api/v1/deliveries/none/redeliver").status_code == 404


def test_redelivery_counts_its_tries_and_its_day_anew(
    desk: "Desk", database: Database, webhook: Any
) -> None:
    made = queue(desk)
    deliver(desk, database, webhook, Tried(answer=200))
    now = desk.clock.move(days=3)
    again = desk.client.post(f"/api/v1/deliveries/{made['id']}/redeliver")
    assert again.status_code == 202
    deliver(desk, database, webhook, Tried("it answered 500", 500))
    (row,) = listed(desk)
    assert (row["status"], row["attempts"], row["created_at"]) == ("pending", 1, made["created_at"])
    with database.write() as connection:
        assert remove_old(connection, now) == bury_old(connection, now) == 0


def test_what_was_not_sent_in_a_day_is_given_up_and_what_ended_long_ago_is_removed(
    desk: "Desk", database: Database, webhook: Any
) -> None:
    queue(desk)
    deliver(desk, database, webhook, Tried(answer=200))
    queue(desk)
    start = desk.clock.now
    with database.write() as connection:
        assert bury_old(connection, start + LONGEST) == 0
        assert bury_old(connection, start + LONGEST + SECOND) == 1
        assert remove_old(connection, start + KEPT) == 0
        assert remove_old(connection, start + KEPT + SECOND) == 1
    (row,) = listed(desk)
    assert (row["status"], row["error"]) == ("dead", "it could not be sent within a day")
    with database.write() as connection:
        assert remove_old(connection, start + KEPT_DEAD + SECOND) == 1
