from datetime import UTC, datetime

from api.clock import utc_now


def test_time_is_aware_and_in_utc() -> None:
    before = datetime.now(UTC)
    assert utc_now().tzinfo is UTC
    assert before <= utc_now()
