from typing import Literal

import pytest

from worker.child_events import PlannedTask, StageOneEnded, TaskResult
from worker.task_ledger import Phase, TaskLedger

PLAN = [
    PlannedTask(name="list", title="List", type="collector"),
    PlannedTask(name="check", title="Check", type="insight", severity="high"),
]


def stage_one(status: Literal["success", "failed", "timeout"] = "success") -> StageOneEnded:
    return StageOneEnded(type="stage_one", status=status, duration_seconds=0.1)


def result(name: str, status: str = "success") -> TaskResult:
    kind = "insight" if name == "check" else "collector"
    verdict = {"check": "pass" if status == "success" else "unknown"}.get(name)
    return TaskResult.model_validate(
        {
            "name": name,
            "title": name,
            "type": kind,
            "status": status,
            "verdict": verdict,
            "duration_seconds": 0,
        }
    )


@pytest.fixture
def ledger() -> TaskLedger:
    """A job whose StageOne has succeeded."""
    ledger = TaskLedger()
    assert ledger.take_plan(PLAN)
    assert ledger.end_stage_one(stage_one())
    return ledger


def test_job_goes_through_its_phases_in_order() -> None:
    ledger = TaskLedger()
    phases = [ledger.phase]
    ledger.take_plan(PLAN)
    phases.append(ledger.phase)
    ledger.end_stage_one(stage_one())
    phases.append(ledger.phase)
    ledger.start("list")
    phases.append(ledger.phase)
    ledger.finish(result("list"))
    phases.append(ledger.phase)
    ledger.finish(result("check", "skipped"))
    phases.append(ledger.phase)
    assert phases == [
        Phase.LOADING, Phase.STAGE_ONE, Phase.BETWEEN, Phase.TASK, Phase.BETWEEN, Phase.ENDING
    ]  # fmt: skip


def test_what_comes_out_of_turn_is_not_taken(ledger: TaskLedger) -> None:
    assert not ledger.take_plan([])
    assert not ledger.end_stage_one(stage_one("failed"))
    assert not ledger.break_off()
    assert not ledger.start("unknown")
    assert ledger.start("list")
    assert not ledger.start("check")
    assert not ledger.finish(result("unknown"))
    assert ledger.finish(result("list"))
    assert not ledger.finish(result("list"))
    assert not ledger.start("list")
    assert ledger.remaining() == ["check"]


def test_result_of_another_type_than_planned_is_not_taken(ledger: TaskLedger) -> None:
    collector = result("list").model_copy(update={"name": "check"})
    assert not ledger.finish(collector)


def test_result_before_stage_one_is_not_taken() -> None:
    ledger = TaskLedger()
    ledger.take_plan(PLAN)
    assert not ledger.start("list")
    assert not ledger.finish(result("list"))


def test_first_plan_holds_when_another_child_takes_over(ledger: TaskLedger) -> None:
    ledger.finish(result("list"))
    ledger.begin_child()
    assert ledger.take_plan([])
    assert ledger.end_stage_one(stage_one())
    assert ledger.phase is Phase.BETWEEN
    assert ledger.remaining() == ["check"]
    assert ledger.done() == ["list"]
    assert ledger.reported_by_child == 0


def test_stand_in_is_a_whole_result_with_its_reason(ledger: TaskLedger) -> None:
    ledger.start("list")
    stand_in = ledger.stand_in("list", "timeout", "too slow", 2.5)
    TaskResult.model_validate(stand_in)
    assert stand_in["errors"] == ["too slow"]
    assert stand_in["duration_seconds"] == 2.5
    assert ledger.phase is Phase.BETWEEN


def test_stand_in_of_an_insight_is_unknown(ledger: TaskLedger) -> None:
    stand_in = ledger.stand_in("check", "skipped", "the job was cancelled")
    assert stand_in["verdict"] == "unknown"
    assert stand_in["severity"] == "high"
    assert stand_in["errors"] is None


def test_result_of_another_task_leaves_the_running_one_running(ledger: TaskLedger) -> None:
    ledger.start("list")
    assert ledger.finish(result("check"))
    assert ledger.running == ("list",)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (("success", "success"), "success"),
        (("success", "failed"), "partial"),
        (("timeout", "success"), "partial"),
        (("failed", "skipped"), "failed"),
    ],
)
def test_status_follows_from_the_results(
    ledger: TaskLedger, statuses: tuple[str, str], status: str
) -> None:
    for name, task_status in zip(("list", "check"), statuses, strict=True):
        ledger.finish(result(name, task_status))
    assert ledger.status() == status


def test_job_without_plan_or_stage_one_failed() -> None:
    assert TaskLedger().status() == "failed"
    ledger = TaskLedger()
    ledger.take_plan([])
    ledger.end_stage_one(stage_one("failed"))
    assert ledger.status() == "failed"


def test_counts_say_how_the_tasks_ended(ledger: TaskLedger) -> None:
    ledger.finish(result("list", "failed"))
    ledger.stand_in("check", "skipped", "reason")
    assert ledger.counts() == "1 failed, 1 skipped"


@pytest.fixture
def beside() -> TaskLedger:
    """A job in which two tasks may run at once, and do."""
    ledger = TaskLedger()
    third = PLAN[0].model_copy(update={"name": "third"})
    assert ledger.take_plan([*PLAN, third], 2)
    assert ledger.end_stage_one(stage_one())
    assert ledger.start("list")
    assert ledger.start("check")
    return ledger


def test_no_more_tasks_run_than_the_plan_says(beside: TaskLedger) -> None:
    assert not beside.start("third")
    assert not beside.start("list")
    assert beside.finish(result("list"))
    assert (beside.phase, beside.running) == (Phase.TASK, ("check",))
    assert not beside.start("list")
    assert beside.start("third")
    assert beside.finish(result("check"))
    assert beside.finish(result("third"))
    assert beside.phase is Phase.ENDING


def test_tasks_that_were_lost_together_are_suspects_once(beside: TaskLedger) -> None:
    assert beside.suspect()
    assert list(beside.suspects) == ["list", "check"]
    assert not beside.suspect()  # told to run alone, and did not: both are to blame
    beside.begin_child()
    beside.take_plan([])
    beside.end_stage_one(stage_one())
    assert beside.start("list")
    assert not beside.suspect()
    assert beside.start("third")
    assert beside.suspect()
    assert list(beside.suspects) == ["list", "check", "third"]


def test_a_task_that_ran_alone_is_no_suspect(ledger: TaskLedger) -> None:
    assert not ledger.suspect()
    assert ledger.start("list")
    assert not ledger.suspect()
    assert ledger.suspects == ()
