"""Tests of the matrix, with an integration that is played here."""

from pathlib import Path
from typing import Any

import pytest

from cli.fault_matrix import ReplayFails, exchange_sets, merged, play_faults
from cli.local_run import Outcome, Wish
from utils.exchange_faults import Fault
from utils.exchange_file import Exchange
from worker.job_order import JobEnd

PAGE = Exchange("items", "GET", "https://x/items", {}, None, 200, {}, {"json": [1]}, "0001-a.json")


def result(status: str = "success", **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": "items", "status": status, "verdict": None, "partial": []}
    return plain | {"data": [1], "resources": None, "reason": "why", "cause": None} | more


def outcome(found: dict[str, Any], **reads: list[str]) -> Outcome:
    return Outcome(JobEnd("success"), [found], reads=reads)


def honest(wish: Wish) -> Outcome:
    if wish.spoil is None or wish.spoil.times == 1:
        return outcome(result())
    return outcome(result("failed", cause={"kind": "temporary"}))


def test_each_fault_is_played_for_good_and_where_it_may_pass_once_more() -> None:
    asked: list[tuple[Fault, int | None]] = []

    def run(wish: Wish) -> Outcome:
        if wish.spoil:
            asked.append((wish.spoil.fault, wish.spoil.times))
        return honest(wish)

    matrix = play_faults({"default": (PAGE,)}, run)

    assert [fault for fault, times in asked if times is None] == list(Fault)[:-1]
    assert {fault for fault, times in asked if times == 1} == set(list(Fault)[2:7])
    assert matrix.rows[0].cells[Fault.TIMEOUT].shown == "failed (temporary) ↻"
    assert matrix.rows[0].cells[Fault.UNAUTHORIZED].shown == "failed (temporary)"
    assert (matrix.quiet, matrix.tasks) == ((), frozenset({"items"}))


def test_only_what_rests_on_the_task_is_run_and_each_fault_is_counted() -> None:
    asked: list[tuple[str, ...] | None] = []
    counted: list[tuple[int, int]] = []

    def run(wish: Wish) -> Outcome:
        asked.append(wish.only)
        return outcome(result(), judge=["middle"], middle=["items"], other=["users"])

    play_faults({"default": (PAGE,)}, run, lambda *count: counted.append(count))

    assert asked[0] is None
    assert set(asked[1:]) == {("items", "judge", "middle")}
    assert counted == [(number, 8) for number in range(1, 9)]


def test_what_stays_a_success_is_quiet_and_named() -> None:
    matrix = play_faults({"default": (PAGE,)}, lambda _: outcome(result()))

    assert len(matrix.quiet) == 8
    assert matrix.quiet[0] == "0001 GET /items (items) x 401"
    assert matrix.as_json()["rows"][0]["cells"]["401"] == "QUIET"


@pytest.mark.parametrize("found", [result("failed"), result("skipped")])
def test_a_set_that_does_not_lead_to_success_says_so(found: dict[str, Any]) -> None:
    with pytest.raises(ReplayFails, match=r"'items' does not succeed .* 'default': why"):
        play_faults({"default": (PAGE,)}, lambda _: outcome(found))


def test_a_set_of_another_integration_says_so() -> None:
    stage_one = PAGE._replace(task="StageOne")

    with pytest.raises(ReplayFails, match="nothing succeeds"):
        play_faults({"default": (stage_one,)}, lambda _: outcome(result("skipped")))


def test_matrices_of_several_sets_are_one() -> None:
    one, other = (play_faults({name: (PAGE,)}, honest) for name in ("default", "other"))

    assert [row.exchanges for row in merged([one, other]).rows] == ["default", "other"]
    assert merged([one, other]).tasks == {"items"}
    assert merged([]).rows == ()


def test_sets_are_the_folders_below_exchanges(tmp_path: Path) -> None:
    assert exchange_sets(tmp_path) == {}
    kit = Path(__file__).parents[1] / "fixtures" / "kit" / "integrations" / "shop"
    assert {name: len(found) for name, found in exchange_sets(kit).items()} == {"default": 3}
