import json
from typing import Any

from api.happenings import EventType, Notice
from api.messages import LONGEST_LINE, cloud_event, message

VIOLATION: dict[str, Any] = {
    "title": "Disk has room",
    "message": "3 % is free",
    "severity": "high",
    "resource_id": "db-1",
    "deployment_name": "prod",
}


def event(data: dict[str, Any], subject: str = "violations/v") -> dict[str, Any]:
    return {"subject": subject, "time": "2026-03-02T12:00:00.000Z", "data": data}


def test_cloud_event_has_what_the_standard_asks_for() -> None:
    body = json.loads(cloud_event("e", EventType.VIOLATION_OPENED, event(VIOLATION), ""))
    assert {name: body[name] for name in ("specversion", "id", "source", "type")} == {
        "specversion": "1.0",
        "id": "e",
        "source": "urn:trueline:api",
        "type": "dev.trueline.violation.opened",
    }
    assert (body["subject"], body["data"]) == ("violations/v", VIOLATION)


def test_violation_is_told_in_a_line_with_its_message_and_a_link() -> None:
    told = message(EventType.VIOLATION_OPENED, event(VIOLATION), "https://t.example")
    assert told.title == "[high] opened: Disk has room (db-1) in prod"
    assert told.body == "3 % is free\nhttps://t.example/violations"
    assert told.tone == "warning"
    resolved = VIOLATION | {"resource_id": "", "message": None}
    told = message(EventType.VIOLATION_RESOLVED, event(resolved), "")
    assert (told.title, told.body) == ("[high] resolved: Disk has room in prod", "")


def test_job_and_source_are_told_with_their_reasons() -> None:
    job = {"deployment_name": "prod", "status": "failed", "error": {"reason": "no disk"}}
    told = message(EventType.JOB_FINISHED, event(job, "jobs/j"), "https://t.example")
    assert (told.title, told.tone) == ("prod: job failed", "failure")
    assert told.body == "no disk\nhttps://t.example/jobs/j"
    fine = message(EventType.JOB_FINISHED, event(job | {"status": "success", "error": None}), "")
    assert (fine.tone, fine.body) == ("info", "")
    source = {"url": "https://git.example/a", "problem": {"reason": "it is away"}}
    told = message(EventType.SOURCE_DEGRADED, event(source), "")
    assert (told.title, told.body) == (
        "Source: cannot be read",
        "https://git.example/a\nit is away",
    )
    assert (
        "back" in message(EventType.SOURCE_RECOVERED, event(source | {"problem": None}), "").title
    )


def test_many_violations_are_one_message_with_the_rest_counted() -> None:
    worst = [{"type": EventType.VIOLATION_OPENED.value, **VIOLATION}] * 20
    counts = {
        EventType.VIOLATION_OPENED.value: 500,
        EventType.VIOLATION_REOPENED.value: 0,
        EventType.VIOLATION_RESOLVED.value: 1,
    }
    told = message(Notice.DIGEST, event({"counts": counts, "worst": worst}), "")
    assert told.title == "prod: 500 opened, 1 resolved"
    assert told.body.splitlines()[-1] == "... and 481 more"


def test_what_plugins_write_forges_no_line_and_is_cut() -> None:
    nasty = VIOLATION | {"message": "a\nb\x1b[2J" + "x" * 9_999, "title": "t\r\nBcc: all"}
    told = message(EventType.VIOLATION_OPENED, event(nasty), "")
    assert len(told.body.splitlines()) == 1
    assert len(told.body) == LONGEST_LINE
    assert (told.title + told.body).isprintable()


def test_test_says_that_it_is_one() -> None:
    assert "test" in message(Notice.TEST, event({"webhook": "ops"}), "").title
