"""Tests of a local run's table."""

import io
from typing import Any

from rich.console import Console

from cli.task_table import print_tasks


def shown(**more: Any) -> list[str]:
    out = io.StringIO()
    plain: dict[str, Any] = {"name": "items", "status": "success", "verdict": None, "errors": None}
    row = plain | {"duration_seconds": 0.5, "message": None, "reason": None, "partial": []} | more
    print_tasks(Console(file=out, width=120), [row])
    return out.getvalue().splitlines()


def test_a_row_has_state_verdict_seconds_and_message() -> None:
    assert shown(verdict="fail", message="two are gone")[1].split() == [
        *("items", "✓", "success", "✗", "fail", "0.50", "two", "are", "gone")
    ]


def test_partial_data_is_no_plain_success() -> None:
    assert "~ partial" in shown(partial=["page 2"])[1]


def test_what_went_wrong_stands_below_with_its_traceback() -> None:
    told = shown(status="failed", reason="boom", errors=["boom; mend it\nline 3"])

    assert "✗ failed" in told[1]
    assert [line.strip() for line in told[2:]] == ["✗ failed items", "mend it", "line 3"]


def test_nothing_is_shown_where_there_is_none() -> None:
    out = io.StringIO()
    print_tasks(Console(file=out), [])
    assert out.getvalue() == ""
