from typing import Any

import pytest

from api.reports import check_events

AT = "2026-03-02T12:00:00+00:00"
RESULT: dict[str, Any] = {
    "name": "check",
    "title": "Check",
    "type": "insight",
    "status": "success",
    "verdict": "fail",
    "severity": "high",
    "message": None,
    "data": {},
    "resources": [{"id": "a", "message": None, "severity": "low", "data": None}],
    "errors": None,
    "logs": [],
    "duration_seconds": 0.5,
    "reason": None,
    "partial": [],
    "cause": None,
}
STARTED = {
    "type": "started",
    "commit": "c" * 40,
    "environment": "key",
    "isolation": "process",
    "worker": "w",
}
REACHED: dict[str, Any] = {
    "host": "a.example",
    "port": 443,
    "allowed": True,
    "reason": None,
    "connections": 1,
    "bytes_sent": 2**40,
    "bytes_received": 0,
}
NETWORK = {
    "type": "network",
    "egress": "declared",
    "hosts": ["a.example"],
    "reached": [REACHED],
    "omitted": 0,
    "complete": True,
}
ENDED = {"type": "job_finished", "status": "success", "error": None}
FAULT = {"reason": "r", "advice": "a", "traceback": "t"}


def numbered(*events: dict[str, Any], first: int = 1) -> list[dict[str, Any]]:
    return [{"seq": first + i, "at": AT} | event for i, event in enumerate(events)]


def test_every_kind_of_event_is_taken() -> None:
    stage_one = {"type": "stage_one", "status": "failed", "duration_seconds": 1, "error": FAULT}
    events = numbered(
        STARTED,
        stage_one | {"logs": ["x"]},
        {"type": "task_started", "task": "check"},
        {"type": "output", "stream": "stderr", "text": "boo\n"},
        {"type": "task_finished", "result": RESULT},
        NETWORK,
        ENDED,
        first=7,
    )
    checked = check_events(events)
    assert checked.fault is None
    assert [event.seq for event in checked.events] == list(range(7, 14))


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        ("text", "/events/1: "),
        ({"type": "plan", "tasks": []}, "/events/1: "),
        (STARTED | {"seq": 0}, "/events/1/started/seq: "),
        (NETWORK | {"egress": "other"}, "/events/1/network/egress: "),
        (NETWORK | {"reached": [REACHED] * 501}, "/events/1/network/reached: "),
        (NETWORK | {"reached": [REACHED | {"port": 65536}]}, "/events/1/network/reached/0/port: "),
        (NETWORK | {"reached": [REACHED | {"bytes_sent": -1}]}, "/events/1/network/reached/0/"),
        (STARTED | {"at": "2026-03-02T12:00:00"}, "/events/1/started/at: "),
        (STARTED | {"commit": "main"}, "/events/1/started/commit: "),
        (STARTED | {"extra": 1}, "/events/1/started/extra: "),
        ({"type": "output", "stream": "log", "text": ""}, "/events/1/output/stream: "),
        ({"type": "output", "stream": "stdout", "text": "a\0"}, "/events/1/text: "),
        ({"type": "task_started", "task": ""}, "/events/1/task_started/task: "),
        (ENDED | {"status": "running"}, "/events/1/job_finished/status: "),
        (ENDED | {"seq": 9}, "/events/1/seq: 9 does not follow 1"),
    ],
)
def test_a_wrong_event_is_named_and_those_before_it_are_kept(event: Any, fault: str) -> None:
    second = {"seq": 2, "at": AT} | event if isinstance(event, dict) else event
    checked = check_events([*numbered({"type": "task_started", "task": "check"}), second])
    assert [kept.seq for kept in checked.events] == [1]
    assert (checked.fault or "").startswith(fault)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "collector"},
        {"type": "robot"},
        {"verdict": None},
        {"verdict": "pass"},
        {"verdict": "maybe"},
        {"status": "failed"},
        {"severity": "awful"},
        {"resources": [{"id": "a"}, {"id": "a"}]},
        {"resources": [{"id": ""}]},
        {"resources": [{"id": "a", "colour": "red"}]},
        {"resources": ["a"]},
        {"data": "text"},
        {"data": {"x": float("nan")}},
        {"duration_seconds": -1},
        {"logs": [1]},
        {"name": "x" * 201},
        {"surprise": True},
    ],
)
def test_a_result_that_no_task_can_have_is_refused(change: dict[str, Any]) -> None:
    checked = check_events(numbered({"type": "task_finished", "result": RESULT | change}))
    assert checked.events == ()
    assert (checked.fault or "").startswith("/events/0")


def test_nothing_follows_the_end_of_a_job() -> None:
    checked = check_events(numbered(ENDED, {"type": "task_started", "task": "x"}))
    assert checked.fault == "/events/1: nothing follows job_finished"


def test_the_refusal_of_an_event_does_not_echo_it() -> None:
    secret = {"type": "output", "stream": "stdout", "text": 5, "password": "hunter2"}
    assert "hunter2" not in (check_events(numbered(secret)).fault or "")
