import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from api.background import make_sender
from api.database import Database
from api.deliveries import CLAIM, claim_one, record_try
from api.delivery_rules import MOST_TRIES, Tried
from api.sender import Sender
from api.signatures import Signed, is_signed, key_of
from api.state import State
from api.webhook_tables import deliveries, webhooks
from tests.receiver import Receiver, Reply
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.api.hand_clock import HandClock
    from tests.api.served import Served
    from tests.conftest import Eventually, NoMoreThreads


@pytest.fixture
def settings(settings: Settings) -> Settings:
    private = {"notify_private": "127.0.0.1/32", "public_url": "https://trueline.example/"}
    return settings.model_copy(update=private)


@pytest.fixture
def sender(state: State) -> Sender:
    return make_sender(state)


def subscribe(desk: "Desk", receiver: Receiver, **fields: Any) -> dict[str, Any]:
    body = {"name": f"to-{receiver.port}", "url": f"{receiver.url}/hook/s3cret"} | fields
    return desk.good(desk.client.post("/api/v1/webhooks", json=body))


def test_replaced_secret_signs_beside_the_new_one_for_a_day(
    desk: "Desk", sender: Sender, receiver: Receiver
) -> None:
    made = subscribe(desk, receiver)
    path = f"/api/v1/webhooks/{made['id']}"
    new = desk.good(desk.client.patch(path, json={"new_secret": True}))["secret"]
    desk.good(desk.client.patch(path, json={"url": f"{receiver.url}/moved"}))
    for secrets in ([new, made["secret"]], [new]):
        desk.good(desk.client.post(f"{path}/test"))
        assert sender.send_all(made["id"]) == 1
        (*_, sent) = receiver.received
        signatures = sent.headers["webhook-signature"].split(" ")
        message = Signed(sent.headers["webhook-id"], sent.headers["webhook-timestamp"], "")
        assert len(signatures) == len(secrets)
        for signature, secret in zip(signatures, secrets, strict=True):
            assert is_signed(message._replace(signatures=signature), sent.body, key_of(secret))
        desk.clock.move(days=1)


def listed(desk: "Desk", **query: Any) -> list[dict[str, Any]]:
    answer = desk.client.get("/api/v1/deliveries", query_string=query)
    items: list[dict[str, Any]] = desk.good(answer)["items"]
    return items


def webhook(desk: "Desk", made: dict[str, Any]) -> dict[str, Any]:
    return desk.good(desk.client.get(f"/api/v1/webhooks/{made['id']}"))


def test_job_and_its_violations_are_sent_as_signed_cloud_events(
    desk: "Desk", sender: Sender, receiver: Receiver, state: State
) -> None:
    made = subscribe(desk, receiver)
    job_id = desk.run({"name": "check", "verdict": "fail", "message": "it is on fire"})
    assert sender.send_all(made["id"]) == 2
    counted = ("trueline_webhook_deliveries_total", {"result": "delivered"})
    assert state.metrics.registry.get_sample_value(*counted) == 2
    events = {}
    for got in receiver.received:
        assert got.path == "/hook/s3cret"
        assert got.headers["Content-Type"].startswith("application/cloudevents+json")
        event = json.loads(got.body)
        events[event["type"]] = event
        assert event["id"] == got.headers["webhook-id"]
        key = base64.b64decode(made["secret"].removeprefix("whsec_"))
        signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode()
        digest = hmac.new(key, signed + got.body, hashlib.sha256).digest()
        assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    finished = events["dev.trueline.job.finished"]
    assert finished["specversion"] == "1.0"
    assert finished["source"] == "https://trueline.example"
    assert finished["subject"] == f"jobs/{job_id}"
    assert (finished["data"]["status"], finished["data"]["summary"]["violations"]["opened"]) == (
        "partial",
        1,
    )
    opened = events["dev.trueline.violation.opened"]["data"]
    assert (opened["message"], opened["severity"], opened["job_id"]) == (
        "it is on fire",
        "high",
        job_id,
    )
    assert {it["status"] for it in listed(desk)} == {"delivered"}
    assert sender.send_all(made["id"]) == 0


def test_failed_delivery_waits_longer_each_time_and_is_given_up_and_redelivered(
    desk: "Desk", state: State, receiver: Receiver, clock: "HandClock"
) -> None:
    sender = make_sender(state)
    made = subscribe(desk, receiver, types=["dev.trueline.job.finished"])
    desk.run()
    receiver.replies += [Reply(500)] * MOST_TRIES
    waits = []
    while listed(desk, status="pending"):
        assert sender.send_all(made["id"]) == 1
        (row,) = listed(desk)
        if row["status"] == "pending":
            due_at = datetime.fromisoformat(row["due_at"])
            waits.append((due_at - clock.now).total_seconds())
            clock.now = max(clock.now + timedelta(minutes=6), due_at + timedelta(seconds=1))
    assert len(receiver.received) == MOST_TRIES
    assert waits == sorted(waits)
    (dead,) = listed(desk, status="dead", webhook=made["name"])
    assert (dead["answer"], dead["error"]) == (500, "it answered 500")
    assert webhook(desk, made)["failures"] == MOST_TRIES
    path = f"/api/v1/deliveries/{dead['id']}"
    again = desk.client.post(f"{path}/redeliver")
    assert again.status_code == 202
    assert desk.client.post(f"{path}/redeliver").status_code == 409
    assert sender.send_all(made["id"]) == 1
    assert desk.good(desk.client.get(path))["status"] == "delivered"
    assert (webhook(desk, made)["failures"], webhook(desk, made)["problem"]) == (0, None)
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    count = partial(state.metrics.registry.get_sample_value, "trueline_webhook_deliveries_total")
    results = {it: count({"result": it}) for it in ("failed", "dead", "delivered")}
    assert results == {"failed": MOST_TRIES - 1, "dead": 1, "delivered": 1}


def test_receiver_says_when_to_come_back(
    desk: "Desk", sender: Sender, receiver: Receiver, clock: "HandClock"
) -> None:
    made = subscribe(desk, receiver, types=["dev.trueline.job.finished"])
    desk.run()
    receiver.replies.append(Reply(429, {"Retry-After": "1800"}))
    assert sender.send_all(made["id"]) == 1
    desk.run()
    clock.move(seconds=1799)
    assert sender.send_all(made["id"]) == 0  # the other one does not go there either
    clock.move(seconds=2)
    assert sender.send_all(made["id"]) == 2


def test_receiver_that_is_gone_is_asked_no_more(
    desk: "Desk", sender: Sender, receiver: Receiver
) -> None:
    made = subscribe(desk, receiver)
    desk.run()
    receiver.replies.append(Reply(410))
    assert sender.send_all(made["id"]) == 1
    after = webhook(desk, made)
    assert (after["enabled"], "410" in after["problem"]["reason"]) == (False, True)
    desk.run()
    assert sender.send_all(made["id"]) == 0
    assert len(listed(desk)) == 1
    changed = desk.good(
        desk.client.patch(f"/api/v1/webhooks/{made['id']}", json={"url": receiver.url})
    )
    assert (changed["enabled"], changed["problem"], changed["secret"]) == (True, None, None)


def test_redirect_is_not_followed(
    desk: "Desk", sender: Sender, make_receiver: Callable[[], Receiver]
) -> None:
    outside, inside = make_receiver(), make_receiver()
    made = subscribe(desk, outside, types=["dev.trueline.job.finished"])
    outside.replies.append(Reply(307, {"Location": f"{inside.url}/metadata"}))
    desk.run()
    sender.send_all(made["id"])
    (row,) = listed(desk)
    assert (row["answer"], row["status"], inside.received) == (307, "pending", [])
    assert "redirect" in row["error"]


def test_receiver_that_hangs_holds_up_no_other(
    desk: "Desk",
    sender: Sender,
    make_receiver: Callable[[], Receiver],
    eventually: "Eventually",
    no_more_threads: "NoMoreThreads",
) -> None:
    slow, quick = make_receiver(), make_receiver()
    slow.release.clear()
    for one in (slow, quick):
        subscribe(desk, one, types=["dev.trueline.job.finished"])
    desk.run()
    with no_more_threads(), pytest.raises(RuntimeError):
        sender.send_due()
    sender.send_due()
    eventually(slow.entered.is_set)
    for n in range(3):
        desk.run()
        eventually(partial(_send_until, sender, quick, n + 2))
    assert len(slow.received) == 1
    slow.release.set()
    eventually(lambda: _send(sender) and len(slow.received) == 4)
    eventually(lambda: len(listed(desk, status="delivered")) == 8)


def _send_until(sender: Sender, receiver: Receiver, number: int) -> bool:
    sender.send_due()  # now and then, as its thread does: who was still busy is asked again
    return len(receiver.received) == number


def _send(sender: Sender) -> bool:
    sender.send_due()
    return True


def test_many_senders_send_each_event_once(desk: "Desk", state: State, receiver: Receiver) -> None:
    made = subscribe(desk, receiver, types=["dev.trueline.job.finished"])
    for _ in range(20):
        desk.run()
    senders = [make_sender(state) for _ in range(4)]
    threads = [threading.Thread(target=it.send_all, args=(made["id"],)) for it in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [got.headers["webhook-id"] for got in receiver.received]
    assert (len(ids), len(set(ids))) == (20, 20)


def test_claim_of_a_sender_that_died_passes_on_and_its_result_is_dropped(
    desk: "Desk", database: Database, receiver: Receiver, clock: "HandClock"
) -> None:
    made = subscribe(desk, receiver, types=["dev.trueline.job.finished"])
    desk.run()
    with database.write() as connection:
        first = claim_one(connection, made["id"], clock.now)
        assert first is not None
        assert claim_one(connection, made["id"], clock.now) is None
        later = clock.now + CLAIM + timedelta(seconds=1)
        second = claim_one(connection, made["id"], later)
        assert second is not None
        assert not record_try(connection, first, Tried("late"), later, 0.5)
        assert record_try(connection, second, Tried(answer=200), later, 0.5)
    (row,) = listed(desk)
    assert (row["status"], row["attempts"], row["error"]) == ("delivered", 2, None)


@pytest.mark.parametrize(("line", "sent"), [("delivery.claimed", 0), ("delivery.sent", 1)])
def test_event_survives_the_death_of_its_sender(
    desk: "Desk",
    database: Database,
    receiver: Receiver,
    start_server: Callable[..., "Served"],
    eventually: "Eventually",
    line: str,
    sent: int,
) -> None:
    desk.clock.now = datetime.now(UTC)
    made = subscribe(desk, receiver, types=["dev.trueline.job.finished"])
    dying = start_server(TRUELINE_NOTIFY_PRIVATE="127.0.0.1/32", TRUELINE_FAILPOINT=f"{line}:kill9")
    desk.run()
    eventually(lambda: _attempts(database) > 0 and len(receiver.received) == sent)
    dying.process.terminate()
    dying.process.wait(20)
    with database.write() as connection:  # the claim ends
        connection.execute(deliveries.update().values(due_at=desk.clock.now))
    start_server(TRUELINE_NOTIFY_PRIVATE="127.0.0.1/32")
    eventually(lambda: listed(desk)[0]["status"] == "delivered")
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    assert len(receiver.received) == sent + 1
    assert webhook(desk, made)["problem"] is None


def _attempts(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(deliveries.c.attempts)).scalar_one_or_none() or 0


def test_what_cannot_be_opened_is_told_and_nothing_is_sent(
    desk: "Desk", sender: Sender, database: Database, make_receiver: Callable[[], Receiver]
) -> None:
    one, other = make_receiver(), make_receiver()
    made = subscribe(desk, one, types=["dev.trueline.job.finished"])
    foreign = subscribe(desk, other, types=["dev.trueline.source.degraded"])
    with database.write() as connection:  # somebody swaps what two rows have sealed
        rows = {row.id: row.sealed for row in connection.execute(select(webhooks))}
        swap = webhooks.update().where(webhooks.c.id == made["id"])
        connection.execute(swap.values(sealed=rows[foreign["id"]]))
    desk.run()
    sender.send_all(made["id"])
    assert "cannot be opened" in listed(desk)[0]["error"]
    assert one.received == other.received == []
