import json

from worker.lease import Lease
from worker.outbox import StoredEvent
from worker.reports import encode, reports_of

A = Lease("a", 1, "ta")
B = Lease("b", 2, 'quote"d')


def event(lease: Lease, seq: int) -> StoredEvent:
    payload = json.dumps({"seq": seq, "type": "output", "text": "é"})
    return StoredEvent(lease, seq, "output", len(payload), payload)


def test_events_are_gathered_by_lease_in_order() -> None:
    reports = reports_of([event(A, 1), event(B, 1), event(A, 2)])

    assert [(report.lease, [e.seq for e in report.events]) for report in reports] == [
        (A, [1, 2]),
        (B, [1]),
    ]
    assert reports[0].last_seq == 2


def test_the_body_is_the_json_that_the_api_takes() -> None:
    body = json.loads(encode(reports_of([event(A, 1), event(B, 7), event(A, 2)])))

    assert [report["job_id"] for report in body["reports"]] == ["a", "b"]
    assert body["reports"][1]["token"] == 'quote"d'
    assert body["reports"][0]["attempt"] == 1
    assert [e["seq"] for e in body["reports"][0]["events"]] == [1, 2]
    assert body["reports"][0]["events"][0]["text"] == "é"


def test_halves_are_the_whole_in_order() -> None:
    (report,) = reports_of([event(A, n) for n in range(1, 6)])

    first, second = report.halves()

    assert first.events + second.events == report.events
    assert first.events
