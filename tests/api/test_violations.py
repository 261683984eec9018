from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from api.database import Database
from api.problems import Conflict, NotFound, Unprocessable
from api.verdicts import ViolationStatus
from api.violations import Decision, decide, end_mutes, find_violation
from tests.databases import explain

if TYPE_CHECKING:
    from tests.api.desk import Desk

OPEN, ACKNOWLEDGED = ViolationStatus.OPEN, ViolationStatus.ACKNOWLEDGED
MUTED, RESOLVED = ViolationStatus.MUTED, ViolationStatus.RESOLVED


@pytest.fixture
def violation_id(desk: "Desk") -> str:
    desk.run({"name": "check", "verdict": "fail"})
    (violation,) = desk.violations()
    return str(violation["id"])


@pytest.mark.parametrize("first", [OPEN, ACKNOWLEDGED, MUTED])
@pytest.mark.parametrize("second", [OPEN, ACKNOWLEDGED, MUTED])
def test_people_change_their_minds_freely(
    desk: "Desk",
    database: Database,
    violation_id: str,
    first: ViolationStatus,
    second: ViolationStatus,
) -> None:
    with database.write() as connection:
        decide(connection, violation_id, Decision(first, "one"), desk.clock.now)
        row = decide(connection, violation_id, Decision(second, "two"), desk.clock.now)
    assert (row.status, row.note) == (second, "two")


def test_a_mute_needs_a_reason_and_ends_in_the_future(
    desk: "Desk", database: Database, violation_id: str
) -> None:
    now = desk.clock.now
    with database.write() as connection:
        for wrong, pointer in (
            (Decision(MUTED), "/reason"),
            (Decision(MUTED, "  "), "/reason"),
            (Decision(MUTED, "why", now), "/until"),
            (Decision(ACKNOWLEDGED, "why", now + timedelta(days=1)), "/until"),
        ):
            with pytest.raises(Unprocessable) as refused:
                decide(connection, violation_id, wrong, now)
            assert refused.value.errors[0].pointer == pointer
        until = now + timedelta(days=1)
        row = decide(connection, violation_id, Decision(MUTED, "why", until), now)
    assert (row.status, row.note, row.muted_until) == (MUTED, "why", until)


def test_a_later_decision_forgets_the_end_of_a_mute(
    desk: "Desk", database: Database, violation_id: str
) -> None:
    with database.write() as connection:
        mute = Decision(MUTED, "why", desk.clock.now + timedelta(days=1))
        decide(connection, violation_id, mute, desk.clock.now)
        row = decide(connection, violation_id, Decision(OPEN), desk.clock.now)
    assert (row.note, row.muted_until) == (None, None)


def test_a_resolved_violation_is_left_alone(
    desk: "Desk", database: Database, violation_id: str
) -> None:
    desk.run({"name": "check", "verdict": "pass"})
    with database.write() as connection, pytest.raises(Conflict, match="is resolved") as refused:
        decide(connection, violation_id, Decision(ACKNOWLEDGED), desk.clock.now)
    assert "opens again by itself" in refused.value.advice


def test_an_unknown_violation_is_not_found(desk: "Desk", database: Database) -> None:
    with database.write() as connection, pytest.raises(NotFound):
        decide(connection, "x", Decision(OPEN), desk.clock.now)


def test_a_mute_that_has_run_out_opens_the_violation(
    desk: "Desk", database: Database, violation_id: str
) -> None:
    with database.write() as connection:
        mute = Decision(MUTED, "why", desk.clock.now + timedelta(hours=1))
        decide(connection, violation_id, mute, desk.clock.now)
        end_mutes(connection, desk.clock.move(minutes=59))
        assert find_violation(connection, violation_id).status == MUTED
        end_mutes(connection, desk.clock.move(minutes=1))
        assert find_violation(connection, violation_id).status == OPEN


def test_mutes_that_have_run_out_are_found_by_their_end(
    desk: "Desk", database: Database, violation_id: str
) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *it: asked.append(it[2:4]))
    with database.write() as connection:
        decide(connection, violation_id, Decision(MUTED, "why"), desk.clock.now)
        asked.clear()
        end_mutes(connection, desk.clock.now)
        ((statement, values),) = asked
        plan = explain(connection, statement, values)
    # PostgreSQL's planner takes any index by the status while the table is as good as empty.
    assert "(status=? AND muted_until<?)" in plan or "Index Scan" in plan, plan


def test_a_mute_without_an_end_stays(desk: "Desk", database: Database, violation_id: str) -> None:
    with database.write() as connection:
        decide(connection, violation_id, Decision(MUTED, "why"), desk.clock.now)
        end_mutes(connection, desk.clock.move(days=10_000))
        assert find_violation(connection, violation_id).status == MUTED
