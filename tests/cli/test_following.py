import io
from typing import Any

import pytest
from rich.console import Console

from cli.following import print_event

REACHED = {
    "host": "a.example",
    "port": 443,
    "allowed": True,
    "reason": None,
    "connections": 2,
    "bytes_sent": 10,
    "bytes_received": 20,
}


def told(event: dict[str, Any]) -> str:
    out = io.StringIO()
    print_event(event, Console(file=out, width=200, no_color=True))
    return out.getvalue()


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"type": "started", "commit": "0123456789abc"}, "running on commit 0123456789"),
        ({"type": "stage_one", "status": "success"}, ""),
        (
            {"type": "stage_one", "status": "failed", "error": {"reason": "no key"}},
            "✗ StageOne no key",
        ),
        ({"type": "output", "stream": "stdout", "text": "[b]hi[/b]\n"}, "stdout [b]hi[/b]"),
        ({"type": "task_started", "task": "x"}, ""),
        ({"type": "environment", "state": "building"}, "building the environment"),
        ({"type": "environment", "state": "ready", "seconds": 1.0}, "built in 1.0 s"),
        ({"type": "something new"}, ""),
        ({"type": "progress", "task": "[b]", "done": 3, "total": 12}, "… [b] 3/12 (25 %)"),
        ({"type": "progress", "task": "t", "done": 7.0, "total": None}, "… t 7"),
        (
            {"type": "network", "hosts": ["a.example", "[b]"], "reached": []},
            "declared a.example, [b]",
        ),
        ({"type": "network", "hosts": [], "reached": []}, "declared nothing"),
        (
            {"type": "network", "reached": [REACHED | {"connections": 1, "reason": "not found"}]},
            "1 connection, 10 bytes sent, 20 received: not found",
        ),
        ({"type": "network", "reached": [REACHED]}, "→ a.example:443 2 connections, 10 bytes sent"),
        (
            {"type": "network", "reached": [REACHED | {"allowed": False, "reason": "[no]"}]},
            "✗ a.example:443 refused: [no]",
        ),
    ],
)
def test_each_event_is_a_line_or_nothing(event: dict[str, Any], said: str) -> None:
    assert said in told(event)
    assert bool(told(event)) == bool(said)


def test_a_failed_task_shows_its_traceback() -> None:
    result = {
        "name": "check",
        "status": "failed",
        "verdict": "unknown",
        "duration_seconds": 0.1,
        "reason": "RuntimeError: no",
        "errors": ["Traceback:\n  line 3"],
    }
    assert "        line 3" in told({"type": "task_finished", "result": result})


def test_a_flood_of_output_does_not_flood_the_terminal() -> None:
    said = told({"type": "output", "stream": "stdout", "text": "y" * 300_000 + "\nx" * 500})
    assert len(said) < 2000
    assert "more lines" in said


@pytest.mark.parametrize(
    ("error", "more"),
    [
        ("the shelf fell", ""),
        ("the shelf fell; put it up\nTraceback ...", "put it up"),
        ("the shelf fell over", "the shelf fell over"),
        ("a lamp broke", "a lamp broke"),
    ],
)
def test_reason_of_a_failed_task_is_told_once(error: str, more: str) -> None:
    result = {"name": "a", "status": "failed", "verdict": None, "duration_seconds": 1}
    shown = told({"type": "task_finished", **result, "reason": "the shelf fell", "errors": [error]})
    first, *rest = shown.splitlines()
    assert "the shelf fell" in first
    assert (rest[0].strip() if rest else "") == more


def test_reason_too_long_for_its_line_is_told_in_full_below() -> None:
    reason = "x" * 500
    result = {"name": "a", "status": "failed", "verdict": None, "duration_seconds": 1}
    shown = told({"type": "task_finished", **result, "reason": reason, "errors": [reason]})
    assert "".join(shown.split()).count(reason) == 1
