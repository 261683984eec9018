import json
from typing import Any

import pytest

from worker.child_events import (
    Broken,
    LineSplitter,
    Oversize,
    Plan,
    StageOneEnded,
    TaskFinished,
    TaskResult,
    TaskStarted,
    read_event,
)

RESULT: dict[str, Any] = {
    "name": "check",
    "title": "Check",
    "type": "insight",
    "status": "success",
    "verdict": "fail",
    "severity": "high",
    "message": "bad",
    "data": {"n": 1},
    "resources": [{"id": "a", "message": None, "severity": "low", "data": {"x": [1]}}],
    "errors": None,
    "logs": ["one"],
    "duration_seconds": 0.5,
    "reason": None,
    "partial": [],
    "cause": None,
}


def finished(**changes: Any) -> bytes:
    return json.dumps({"type": "task_finished", "result": RESULT | changes}).encode()


def test_lines_are_whole_however_they_arrive() -> None:
    splitter = LineSplitter(100)
    data = b"first\nsecond\n\nlast"
    lines = [line for byte in data for line in splitter.feed(bytes([byte]))]
    assert lines == [b"first", b"second", b""]
    assert list(splitter.feed(b"\n")) == [b"last"]


def test_line_over_the_limit_is_not_kept_but_counted_and_the_next_is_whole() -> None:
    splitter = LineSplitter(10)
    assert list(splitter.feed(b"x" * 10 + b"\n")) == [b"x" * 10]
    assert list(splitter.feed(b"x" * 8)) == []
    assert list(splitter.feed(b"x" * 1_000)) == []
    assert list(splitter.feed(b"x\nnext\n")) == [Oversize(1_009, b"x" * 256), b"next"]


def test_each_event_of_the_protocol_is_read() -> None:
    spec: dict[str, Any] = {
        "name": "a",
        "title": "A",
        "description": None,
        "type": "collector",
        "severity": None,
    }
    spec |= {"order": 100, "enabled": True, "depends_on": []}
    plan = read_event(json.dumps({"type": "plan", "tasks": [spec]}).encode())
    assert isinstance(plan, Plan)
    assert plan.tasks[0].name == "a"
    broken = b'{"type":"broken","error":{"reason":"r","advice":"a","traceback":"t"}}'
    assert isinstance(read_event(broken), Broken)
    stage = b'{"type":"stage_one","status":"success","duration_seconds":1,"error":null,"logs":[]}'
    assert isinstance(read_event(stage), StageOneEnded)
    assert read_event(b'{"type":"task_started","task":"a"}') == TaskStarted(
        type="task_started", task="a"
    )
    result = read_event(finished())
    assert isinstance(result, TaskFinished)
    assert result.result.model_dump(exclude={"large"}) == RESULT


def test_fields_of_a_newer_child_are_left_out() -> None:
    event = read_event(finished(colour="red"))
    assert isinstance(event, TaskFinished)
    assert "colour" not in event.result.model_dump()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"type":"surprise"}',
        b'{"type":"task_started"}',
        b'{"type":"task_started","task":""}',
        b'{"type":"task_started","task":7}',
        b'{"type":"plan","tasks":[{"name":"a"}]}',
        finished(data="text"),
        finished(data={"x": float("nan")}),
        finished().replace(b'"n": 1', b'"n": 1e999'),
        finished().replace(b'"n": 1', b'"n": "\\ud800"'),
        finished(duration_seconds=-1),
        finished(status="done"),
        finished(verdict=None),
        finished(verdict="pass"),
        finished(status="failed"),
        finished(type="collector"),
        finished(resources=[{"id": "a"}, {"id": "a"}]),
        finished(resources=[{"message": "no id"}]),
        finished(logs=[1]),
    ],
)
def test_line_that_holds_no_event_is_none(line: bytes) -> None:
    assert read_event(line) is None


def test_nul_in_any_text_is_written_out() -> None:
    event = read_event(finished(message="a\0b", data={"k\0": ["\0"]}))
    assert isinstance(event, TaskFinished)
    assert event.result.message == "a\\x00b"
    assert event.result.data == {"k\\x00": ["\\x00"]}


def test_large_exponent_that_is_finite_is_read() -> None:
    event = read_event(finished(data={"x": 1e300}))
    assert isinstance(event, TaskFinished)


def test_collector_has_neither_verdict_nor_resources() -> None:
    plain = RESULT | {"type": "collector", "verdict": None, "resources": None}
    assert TaskResult.model_validate(plain).is_consistent
    assert not TaskResult.model_validate(plain | {"verdict": "pass"}).is_consistent


def test_result_that_is_too_long_is_still_known_by_its_task() -> None:
    splitter = LineSplitter(100)
    begun = b'{"type":"task_finished","result":{"na'
    assert list(splitter.feed(begun)) == []
    (long,) = splitter.feed(b'me":"list_items","data":"' + b"x" * 1000 + b'"}}\n')
    assert isinstance(long, Oversize)
    assert long.task == "list_items"
    (other,) = splitter.feed(b"x" * 101 + b"\n")
    assert isinstance(other, Oversize)
    assert other.task is None
