from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from worker.api_client import ApiClient
from worker.backoff import Backoff
from worker.held_leases import HeldLeases
from worker.large_files import LargeFiles
from worker.lease import Lease
from worker.outbox import Outbox
from worker.sender import Sender
from worker.stop_signal import StopSignal
from worker.uploads import Uploads

if TYPE_CHECKING:
    from tests.worker.conftest import Asked, Said, ScriptedApi

A = Lease("a", 1, "ta")
B = Lease("b", 1, "tb")
EVENTS = "/api/v1/events"


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db")
    yield box
    box.close()


@pytest.fixture
def held() -> HeldLeases:
    return HeldLeases()


@pytest.fixture
def sender(
    scripted_api: ScriptedApi, outbox: Outbox, held: HeldLeases, tmp_path: Path
) -> Iterator[Sender]:
    client = ApiClient(scripted_api.url, "", "worker-1")
    uploads = Uploads(
        LargeFiles(tmp_path / "large"), client.upload, Backoff(0.01, 0.05), outbox.wake
    )
    sender = Sender(outbox, client.send, held, Backoff(0.01, 0.05), uploads)
    yield sender
    sender.stop()
    client.close()


def recorded(asked: Asked, cancelled: tuple[str, ...] = ()) -> dict[str, Any]:
    outcomes = [
        {
            "job_id": report["job_id"],
            "attempt": report["attempt"],
            "status": "recorded",
            "last_seq": report["events"][-1]["seq"],
            "reason": None,
        }
        for report in asked.body["reports"]
    ]
    return {"outcomes": outcomes, "cancelled": list(cancelled)}


def refused(job_id: str) -> dict[str, Any]:
    return {"job_id": job_id, "attempt": 1, "status": "refused", "last_seq": None, "reason": "late"}


def sent(scripted_api: ScriptedApi) -> list[tuple[str, int]]:
    return [
        (report["job_id"], event["seq"])
        for body in scripted_api.bodies(EVENTS)
        for report in body["reports"]
        for event in report["events"]
    ]


def test_everything_is_sent_in_the_order_of_its_job_and_then_removed(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, sender: Sender
) -> None:
    scripted_api.answers[EVENTS] = lambda asked: said(body=recorded(asked))
    for _ in range(3):
        outbox.append(A, {"type": "output"})
        outbox.append(B, {"type": "output"})
    sender.start()

    assert outbox.wait_until_empty(20)

    assert [seq for job, seq in sent(scripted_api) if job == "a"] == [1, 2, 3]
    assert [seq for job, seq in sent(scripted_api) if job == "b"] == [1, 2, 3]
    assert len(scripted_api.asked) == 1


def test_what_is_appended_later_is_sent_without_being_asked_for(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, sender: Sender
) -> None:
    scripted_api.answers[EVENTS] = lambda asked: said(body=recorded(asked))
    sender.start()
    for _ in range(3):
        outbox.append(A, {"type": "job_finished"})
        assert outbox.wait_until_empty(20)

    assert len(scripted_api.asked) == 3


def test_an_api_that_is_away_gets_everything_when_it_is_back(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, sender: Sender
) -> None:
    answers = iter([said(503), said(500), said(hang_up=True)])
    scripted_api.answers[EVENTS] = lambda asked: next(answers, said(body=recorded(asked)))
    outbox.append(A, {"type": "started"})
    sender.start()

    assert outbox.wait_until_empty(20)

    assert sent(scripted_api) == [("a", 1)] * 4


def test_a_refused_token_waits_for_the_operator_and_loses_nothing(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, sender: Sender
) -> None:
    answers = iter([said(401, {"detail": "who are you"}), said(403), said(404)])
    scripted_api.answers[EVENTS] = lambda asked: next(answers, said(body=recorded(asked)))
    outbox.append(A, {"type": "started"})
    sender.start()

    assert outbox.wait_until_empty(20)

    assert sent(scripted_api) == [("a", 1)] * 4


def test_a_lost_lease_drops_its_reports_stops_its_job_and_spares_others(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, held: HeldLeases, sender: Sender
) -> None:
    def answer(asked: Asked) -> Said:
        body = recorded(asked)
        body["outcomes"] = [refused("a"), *(o for o in body["outcomes"] if o["job_id"] == "b")]
        return said(body=body)

    scripted_api.answers[EVENTS] = answer
    a, b = StopSignal(), StopSignal()
    with held.hold(A, 30, 1e12, a), held.hold(B, 30, 1e12, b):
        outbox.append(A, {"type": "started"})
        outbox.append(B, {"type": "started"})
        sender.start()
        assert outbox.wait_until_empty(20)

        assert held.good() == (B,)
        assert (a.reason, b.reason) == ("interrupted", None)


def test_a_batch_of_which_everything_is_refused_is_dropped(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, sender: Sender
) -> None:
    scripted_api.say(EVENTS, said(409, {"title": "refused", "outcomes": [refused("a")]}))
    outbox.append(A, {"type": "started"})
    sender.start()

    assert outbox.wait_until_empty(20)


def test_a_cancelled_job_is_told(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, held: HeldLeases, sender: Sender
) -> None:
    scripted_api.answers[EVENTS] = lambda asked: said(body=recorded(asked, ("a",)))
    stop = StopSignal()
    with held.hold(A, 30, 1e12, stop):
        outbox.append(A, {"type": "started"})
        sender.start()
        assert outbox.wait_until_empty(20)

    assert stop.reason == "cancelled"


def test_one_event_that_cannot_be_taken_fails_its_job_and_no_other(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, held: HeldLeases, sender: Sender
) -> None:
    def answer(asked: Asked) -> Said:
        events = [event for report in asked.body["reports"] for event in report["events"]]
        if any(event.get("text") == "poison" for event in events):
            return said(422, {"detail": "poison", "advice": "do not"})
        return said(body=recorded(asked))

    scripted_api.answers[EVENTS] = answer
    stop = StopSignal()
    with held.hold(A, 30, 1e12, stop):
        for text in ("fine", "fine", "poison", "fine"):
            outbox.append(A, {"type": "output", "text": text})
        outbox.append(B, {"type": "output", "text": "fine"})
        sender.start()
        assert outbox.wait_until_empty(20)
        assert stop.reason == "interrupted"

    taken = [
        (report["job_id"], event["seq"], event["type"])
        for body in scripted_api.bodies(EVENTS)
        for report in body["reports"]
        for event in report["events"]
        if not any(e.get("text") == "poison" for r in body["reports"] for e in r["events"])
    ]
    assert taken == [
        ("a", 1, "output"),
        ("a", 2, "output"),
        ("b", 1, "output"),
        ("a", 3, "job_finished"),
    ]
    last = scripted_api.bodies(EVENTS)[-1]["reports"][0]["events"][0]
    assert last["status"] == "failed"
    assert "poison" in last["error"]["reason"]


def test_a_reply_that_records_nothing_is_tried_again_without_haste(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, sender: Sender
) -> None:
    answers = iter([said(body={"outcomes": []})])
    scripted_api.answers[EVENTS] = lambda asked: next(answers, said(body=recorded(asked)))
    outbox.append(A, {"type": "started"})
    sender.start()

    assert outbox.wait_until_empty(20)


def test_stopping_leaves_what_is_unsent_on_disk(
    scripted_api: ScriptedApi, said: type[Said], outbox: Outbox, sender: Sender
) -> None:
    scripted_api.say(EVENTS, said(503))
    outbox.append(A, {"type": "started"})
    sender.start()
    scripted_api.wait_for(lambda: scripted_api.asked)

    sender.stop()

    assert outbox.depth().events == 1
