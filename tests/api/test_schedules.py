from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cron import ScheduleError
from api.schedules import next_due, read_schedule, read_timezone

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
BERLIN = "Europe/Berlin"


def due_times(text: str, timezone: str, after: datetime, count: int) -> list[str]:
    found = []
    for _ in range(count):
        after = next_due(text, timezone, after, NOON)
        found.append(f"{after:%m-%d %H:%M}")
    return found


def test_cron_line_is_due_at_its_wall_clock_time_in_its_zone() -> None:
    winter = datetime(2026, 3, 3, 11, tzinfo=UTC)
    summer = datetime(2026, 7, 3, 10, tzinfo=UTC)
    assert next_due("0 6 * * *", "America/New_York", NOON) == winter
    assert next_due("0 6 * * *", "America/New_York", summer - timedelta(hours=1)) == summer


def test_due_time_is_always_later_than_after() -> None:
    assert next_due("0 12 * * *", "UTC", NOON) == NOON + timedelta(days=1)


def test_numbers_of_weekdays_are_those_of_cron() -> None:
    assert due_times("0 0 * * 0", "UTC", NOON, 2) == ["03-08 00:00", "03-15 00:00"]
    assert due_times("0 0 * * 7", "UTC", NOON, 2) == ["03-08 00:00", "03-15 00:00"]
    assert due_times("0 0 * * sat", "UTC", NOON, 1) == ["03-07 00:00"]


def test_day_and_weekday_given_together_mean_either() -> None:
    assert due_times("0 0 13 * 5", "UTC", NOON, 3) == ["03-06 00:00", "03-13 00:00", "03-20 00:00"]


def test_starred_day_with_a_step_and_a_weekday_mean_both() -> None:
    assert due_times("0 0 */2 * 1", "UTC", NOON, 2) == ["03-09 00:00", "03-23 00:00"]


def test_time_that_daylight_saving_skips_is_due_once_after_the_gap() -> None:
    eve = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert due_times("30 2 * * *", BERLIN, eve, 2) == ["03-29 01:30", "03-30 00:30"]


def test_skipped_time_is_not_lost_to_who_asks_inside_the_gap() -> None:
    inside = datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    assert due_times("30 2 * * *", BERLIN, inside, 2) == ["03-29 01:30", "03-30 00:30"]
    assert due_times("20,40 2,3 * * *", BERLIN, inside, 3) == [
        "03-29 01:20",
        "03-29 01:40",
        "03-30 00:20",
    ]


def test_time_that_daylight_saving_repeats_is_due_once() -> None:
    eve = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert due_times("30 2 * * *", BERLIN, eve, 2) == ["10-25 00:30", "10-26 01:30"]


def test_line_for_every_hour_runs_through_both_changes() -> None:
    spring = datetime(2026, 3, 29, 0, tzinfo=UTC)
    autumn = datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert due_times("0 * * * *", BERLIN, spring, 3) == [
        "03-29 01:00",
        "03-29 02:00",
        "03-29 03:00",
    ]
    assert due_times("0 * * * *", BERLIN, autumn, 3) == [
        "10-25 01:00",
        "10-25 02:00",
        "10-25 03:00",
    ]


def test_interval_counts_from_its_anchor_whoever_asks_and_when() -> None:
    late = NOON + timedelta(hours=3, seconds=7)
    assert next_due("every 15m", "UTC", NOON, NOON) == NOON + timedelta(minutes=15)
    assert next_due("every 15m", "UTC", late, NOON) == NOON + timedelta(hours=3, minutes=15)
    assert next_due("every 1d", BERLIN, NOON, NOON) == NOON + timedelta(days=1)


@given(
    st.timedeltas(timedelta(days=-400), timedelta(days=400)),
    st.sampled_from(["every 10s", "every 7m", "*/20 * * * *", "30 2 * * *", "0 2,3 * * 0"]),
)
def test_due_times_only_ever_grow(step: timedelta, text: str) -> None:
    after = NOON + step
    first = next_due(text, BERLIN, after, NOON)
    second = next_due(text, BERLIN, first, NOON)
    assert after < first < second
    assert next_due(text, BERLIN, first - timedelta(microseconds=1), NOON) == first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("every 5s", "shorter than 10 s"),
        ("every 400d", "longer than 366 days"),
        ("every 99999999999999d", "not an interval"),
        ("every 15 minutes", "not an interval"),
        ("every", "not an interval"),
    ],
)
def test_wrong_interval_says_how_to_write_it(text: str, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason) as error:
        read_schedule(text, "UTC")
    assert "every 15m" in error.value.advice


def test_line_that_is_never_due_is_refused() -> None:
    with pytest.raises(ScheduleError, match="never due"):
        next_due("0 0 30 2 *", "UTC", NOON)


@pytest.mark.parametrize(
    "name", ["Europe/Berln", "Europe", "", "../etc/passwd", "/etc/passwd", "\0"]
)
def test_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError, match="is unknown") as error:
        read_timezone(name)
    assert error.value.field == "timezone"


def test_misspelt_time_zone_gets_a_suggestion() -> None:
    with pytest.raises(ScheduleError, match="did you mean 'Europe/Berlin'"):
        read_timezone("Europe/Berln")
