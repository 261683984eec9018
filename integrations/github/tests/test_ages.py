from datetime import UTC, datetime

import pytest

from integrations.github.ages import days_since, moment

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-11-19T12:00:00Z", 1),
        ("2026-11-19T12:00:01Z", 0),
        ("2026-11-10 12:00:00 UTC", 10),
        ("2026-11-10 14:00:00 +0200", 10),
        (None, None),
        ("soon", None),
    ],
)
def test_whole_days_are_counted(text: str | None, days: int | None) -> None:
    assert days_since(text, NOW) == days


def test_a_moment_without_a_zone_is_utc() -> None:
    assert moment("2026-11-20T12:00:00") == NOW
