import json

import pytest

from utils.results import (
    Evidence,
    TaskResult,
    TaskStatus,
    Verdict,
    parsed_result,
    partial_reasons,
    reservation,
    unrun_result,
    verdict_of,
)
from utils.tasks import Severity, TaskSpec, TaskType

WHOLE = Evidence((), ())
PARTIAL = Evidence(("page 2 failed",), ())
TAINTED = Evidence((), ("list_items",))
BOTH = Evidence(("page 2 failed",), ("list_items",))

INSIGHT = TaskSpec("judge", "Judge", None, TaskType.INSIGHT, Severity.HIGH, 500, True, ())
COLLECTOR = TaskSpec("collect", "Collect", None, TaskType.COLLECTOR, None, 100, True, ())


@pytest.mark.parametrize(
    ("evidence", "violation", "verdict"),
    [
        (WHOLE, False, Verdict.PASS),
        (WHOLE, True, Verdict.FAIL),
        (PARTIAL, False, Verdict.UNKNOWN),
        (PARTIAL, True, Verdict.FAIL),
        (TAINTED, False, Verdict.UNKNOWN),
        (TAINTED, True, Verdict.UNKNOWN),
        (BOTH, True, Verdict.UNKNOWN),
    ],
)
def test_a_verdict_is_no_better_than_its_evidence(
    evidence: Evidence, *, violation: bool, verdict: Verdict
) -> None:
    assert verdict_of(TaskType.INSIGHT, violation=violation, evidence=evidence) is verdict
    assert verdict_of(TaskType.COLLECTOR, violation=violation, evidence=evidence) is None


@pytest.mark.parametrize(
    ("evidence", "told"), [(WHOLE, None), (PARTIAL, "page 2 failed"), (TAINTED, "'list_items'")]
)
def test_a_reservation_says_why(evidence: Evidence, told: str | None) -> None:
    reason = reservation(evidence)
    assert reason is None if told is None else told in str(reason)


def test_reading_without_success_makes_the_data_partial() -> None:
    assert partial_reasons(WHOLE) == ()
    assert partial_reasons(BOTH) == ("page 2 failed", "task 'list_items' did not succeed")


def test_a_result_survives_its_way_through_json() -> None:
    result = TaskResult(
        name="judge",
        title="Jüdge",
        type=TaskType.INSIGHT,
        status=TaskStatus.SUCCESS,
        verdict=Verdict.FAIL,
        severity=Severity.HIGH,
        message="found\n1",
        data='{"n":1}',
        resources='[{"id":"a"}]',
        errors=("e",),
        logs=("l",),
        duration_seconds=0.5,
        reason=None,
        partial=("p",),
    )
    parsed = json.loads(result.as_json())
    assert parsed["data"] == {"n": 1}
    assert parsed["resources"] == [{"id": "a"}]
    assert [*parsed, "large"] == list(TaskResult._fields)
    assert parsed_result(parsed, "spool") == result
    assert "\n" not in result.as_json()


def test_a_skipped_insight_is_unknown_and_has_no_errors() -> None:
    parsed = json.loads(unrun_result(INSIGHT, "no login", TaskStatus.SKIPPED).as_json())
    assert (parsed["status"], parsed["verdict"], parsed["reason"]) == (
        "skipped",
        "unknown",
        "no login",
    )
    assert parsed["errors"] is None
    assert parsed["data"] is None


def test_a_lost_collector_has_failed_without_a_verdict() -> None:
    result = unrun_result(COLLECTOR, "it was lost", TaskStatus.FAILED)
    assert (result.verdict, result.errors, result.succeeded) == (None, ("it was lost",), False)
