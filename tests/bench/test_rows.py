import pytest

from bench.rows import (
    NotMeasured,
    Row,
    all_hold,
    at_least,
    at_most,
    print_rows,
    times_faster,
    verdict,
)

SLOWER = at_most("ours", 12.0, 10.0, "ms", 1.1)
FASTER = times_faster("than theirs", 2.0, 40.0, "ms", 15)
NO_GOAL = times_faster("than theirs", 2.0, 40.0, "ms", None)
MISSING = NotMeasured("than another", "it cannot be installed")


@pytest.mark.parametrize(
    ("row", "ratio", "holds"),
    [
        (SLOWER, 1.2, False),
        (at_most("ours", 11.0, 10.0, "ms", 1.1), 1.1, True),
        (at_least("ours", 5.0, 10.0, "/s", 0.5), 0.5, True),
        (at_least("ours", 4.0, 10.0, "/s", 0.5), 0.4, False),
        (FASTER, 20.0, True),
        (times_faster("than theirs", 4.0, 40.0, "ms", 15), 10.0, False),
        (NO_GOAL, 20.0, None),
    ],
)
def test_a_ratio_is_judged_by_its_goal(row: Row, ratio: float, holds: bool | None) -> None:  # noqa: FBT001 - a value of the table
    assert row.ratio == pytest.approx(ratio)
    assert row.holds is holds


def test_goals_hold_when_each_was_measured_and_reached() -> None:
    assert all_hold([FASTER, NO_GOAL])
    assert not all_hold([FASTER, SLOWER])
    assert not all_hold([FASTER, MISSING])


def test_the_table_marks_what_was_missed_and_what_was_not_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_rows([FASTER, SLOWER, NO_GOAL, MISSING])
    header, faster, slower, no_goal, missing, _, summary = capsys.readouterr().out.splitlines()
    assert header.split() == ["what", "ours", "beside", "ratio", "goal", "holds"]
    assert faster.split()[-5:] == ["20.00", ">=", "15", "x", "yes"]
    assert slower.split()[-1] == "NO"
    assert no_goal.split()[-2:] == ["-", "-"]
    assert missing.endswith("not measured: it cannot be installed")
    assert summary == "1 of 2 goals hold, 1 missed, 1 not measured"


def test_a_table_without_a_miss_says_just_that() -> None:
    assert verdict([FASTER]) == "1 of 1 goals hold"
