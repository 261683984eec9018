import pytest

from api.cron import ScheduleError, read_cron_line


def test_lists_ranges_steps_and_names_give_their_values() -> None:
    line = read_cron_line("0,30 8-10 1-31/10 jan,mar mon-fri")
    assert line.minutes == (0, 30)
    assert line.hours == (8, 9, 10)
    assert line.days == (1, 11, 21, 31)
    assert line.months == (1, 3)
    assert line.weekdays == (1, 2, 3, 4, 5)


def test_shorthand_stands_for_its_line() -> None:
    assert read_cron_line("@daily") == read_cron_line("0 0 * * *")


def test_sunday_has_two_numbers() -> None:
    assert read_cron_line("0 0 * * 5-7").weekdays == (0, 5, 6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 25 * * *", "field 2 (hour, column 3) '25': 25 is not within 0-23"),
        ("0 0 * fbe *", "'fbe' is not a month (did you mean 'feb'?)"),
        ("0 0 0 * *", "field 3 (day, column 5) '0': 0 is not within 1-31"),
        ("5/10 * * * *", "a step needs a range, as in 5-59/10"),
        ("*/0 * * * *", "'*/0' allows nothing"),
        ("30-10 * * * *", "'30-10' allows nothing"),
        ("1,,2 * * * *", "'' cannot be read"),
        ("1.5 * * * *", "'1.5' cannot be read"),
        ("٣ * * * *", "cannot be read"),
    ],
)
def test_wrong_field_is_named_with_its_place_and_what_it_takes(text: str, reason: str) -> None:
    with pytest.raises(ScheduleError) as error:
        read_cron_line(text)
    assert reason in error.value.reason
    assert " takes *" in error.value.advice


@pytest.mark.parametrize("text", ["", "x", "* * * *", "0 0 * * * *", "@often"])
def test_line_without_five_fields_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError, match="5 fields"):
        read_cron_line(text)
