"""Tests of what server tests prove."""

from typing import Any

from cli.server_tests import lacking, server_rows
from utils.exchange_faults import Fault


def run(fault: str | None = None, **more: Any) -> dict[str, Any]:
    plain = {"task": "zones", "type": "collector", "status": "success", "is_partial": False}
    return {**plain, "cause": None, "is_served": True, "fault": fault, **more}


FAILED = {"status": "failed", "cause": "temporary"}
WHOLE = [
    run(),
    run("timeout", **FAILED),
    run("refused", is_partial=True),
    run("cut off", status="timeout"),
]


def test_a_whole_success_and_each_fault_of_any_server_are_enough() -> None:
    assert lacking("zones", WHOLE) == []
    assert lacking("zones", WHOLE[:2]) == ["refused", "cut off"]
    assert lacking("zones", [run(is_partial=True), *WHOLE[1:]]) == ["a whole success"]


def test_a_test_that_runs_nothing_or_something_else_proves_nothing() -> None:
    bare = {"task": "zones", "status": "success", "is_partial": False, "cause": None}
    assert lacking("zones", []) is None
    assert lacking("zones", [bare, run(task="others")]) is None


def test_faults_are_rows_of_the_matrix_and_a_plain_success_is_quiet_for_good() -> None:
    (row,) = server_rows([*WHOLE, run("401"), run("401", **FAILED)])
    shown = {fault: cell.shown for fault, cell in row.cells.items()}
    assert (row.label, row.task) == ("server test", "zones")
    assert list(shown.items()) == [
        (Fault.UNAUTHORIZED, "QUIET"),
        (Fault.TIMEOUT, "failed (temporary)"),
        (Fault.REFUSED, "partial"),
        (Fault.CUT_OFF, "failed (timeout)"),
    ]
    assert server_rows(WHOLE[:1]) == ()
