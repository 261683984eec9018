"""Tests of the verdict on one fault."""

from typing import Any

import pytest

from cli.fault_cells import Became, Cell, Played, cell_of, is_as_good


def result(status: str = "success", **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "verdict": None,
        "partial": [],
        "data": {"n": 1},
        "resources": None,
        "cause": None,
    }
    return {"status": status, **plain, **more}


def played(**results: dict[str, Any]) -> Played:
    return Played(results, {"judge": ["items"], "boss": ["judge"], "other": []})


GOOD = played(items=result(), judge=result(verdict="pass"), boss=result(verdict="pass"))
FAILED = result("failed", cause={"kind": "auth"})
UNKNOWN = result(verdict="unknown")


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        (FAILED, "failed (auth)"),
        (result("failed"), "failed"),
        (result("timeout"), "failed (timeout)"),
        (result(partial=["page 2"]), "partial"),
        (result(verdict="unknown"), "unknown"),
        (result(), "QUIET"),
        (result(data={}), "QUIET"),
    ],
)
def test_what_the_task_says_is_what_the_fault_became(items: dict[str, Any], shown: str) -> None:
    assert cell_of("items", GOOD, played(items=items, judge=UNKNOWN, boss=UNKNOWN)).shown == shown


@pytest.mark.parametrize("items", [FAILED, result(partial=["page 2"])])
@pytest.mark.parametrize("below", ["judge", "boss"])
def test_an_insight_that_rests_on_it_and_passes_is_a_defect(
    items: dict[str, Any], below: str
) -> None:
    verdicts = {"judge": UNKNOWN, "boss": UNKNOWN, below: result(verdict="pass")}

    cell = cell_of("items", GOOD, played(items=items, **verdicts))

    assert cell == Cell(Became.QUIET, f"{below} passes all the same")


def test_an_insight_that_rests_on_something_else_may_pass() -> None:
    spoiled = played(items=FAILED, judge=UNKNOWN, boss=UNKNOWN, other=result(verdict="pass"))

    assert cell_of("items", GOOD, spoiled).became is Became.FAILED


def test_stage_one_that_fails_skips_all_and_one_that_goes_on_is_a_defect() -> None:
    skipped = Played({"items": result("skipped")}, {})

    assert cell_of("StageOne", GOOD, skipped).shown == "failed (StageOne)"
    assert cell_of("StageOne", GOOD, GOOD).became is Became.QUIET


def test_a_fault_is_got_through_where_the_same_is_found_and_the_same_is_missing() -> None:
    assert is_as_good("items", GOOD, GOOD)
    partial = played(items=result(partial=["x"]))
    assert is_as_good("items", partial, partial)
    assert not is_as_good("items", partial, played(items=result(partial=["x", "y"])))
    for other in (FAILED, result(data={}), result(partial=["x"])):
        assert not is_as_good("items", GOOD, played(items=other))
    assert not is_as_good("gone", GOOD, GOOD)
