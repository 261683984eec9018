"""Tests of a job's tape: what it tells, and which task an exchange belongs to."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from utils.exchange_play import taped

ENTRY = {
    "format": 1,
    "task": "list_items",
    "request": {"method": "GET", "url": "https://x.example/a", "headers": {}, "body": None},
    "response": {"status": 200, "headers": {}, "body": {"json": [1]}},
}


class Told:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []

    def send(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)

    def send_result(self, result: str) -> None:
        self.events.append({"type": "task_finished", "result": result})

    def mention(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)


def replaying(**more: Any) -> dict[str, Any]:
    return {"mode": "replay", "secrets": [], "entries": [ENTRY], **more}


def test_a_replay_answers_and_passes_reports_on() -> None:
    told = Told()

    with taped(replaying(), told) as channel:
        channel.send({"type": "task_started", "task": "list_items"})
        channel.send_result("{}")
        assert httpx.get("https://x.example/a").json() == [1]

    assert [event["type"] for event in told.events] == ["task_started", "task_finished"]


@pytest.mark.parametrize(("times", "answers"), [(None, [500, 500]), (1, [500, 200])])
def test_a_spoiled_exchange_is_spoiled_as_often_as_is_said(
    times: int | None, answers: list[int]
) -> None:
    spoil = {"index": 0, "fault": "500", "times": times}

    with taped(replaying(spoil=spoil), Told()):
        got = [httpx.get("https://x.example/a").status_code for _ in range(2)]

    assert got == answers


def test_a_recording_tells_each_exchange_with_its_task(httpd: str) -> None:
    told = Told()

    with taped({"mode": "record", "secrets": ["s3cr3t-token"]}, told) as channel:
        httpx.get(f"{httpd}/first")
        channel.send({"type": "task_started", "task": "list_items"})
        httpx.get(f"{httpd}/s3cr3t-token")

    exchanges = [event["exchange"] for event in told.events if event["type"] == "exchange"]
    assert [(one["task"], one["request"]["url"]) for one in exchanges] == [
        ("StageOne", f"{httpd}/first"),
        ("list_items", f"{httpd}/***"),
    ]
