import pytest

from utils.client.retrying import may_repeat, pause_seconds


@pytest.mark.parametrize(
    ("attempt", "headers", "seconds"),
    [(1, {}, 0.2), (3, {}, 0.8), (1, {"Retry-After": "3"}, 3), (1, {"Retry-After": "999"}, 30)],
)
def test_pauses_grow_and_keep_retry_after(
    attempt: int, headers: dict[str, str], seconds: float
) -> None:
    assert pause_seconds(attempt, headers, lambda _low, high: high) == seconds


def test_date_in_retry_after_is_passed_over() -> None:
    headers = {"Retry-After": "Fri, 20 Nov 2026 12:00:00 GMT"}
    assert pause_seconds(1, headers, lambda low, _high: low) == 0.1


def test_only_what_does_no_more_when_sent_twice_is_repeated() -> None:
    assert may_repeat("GET", has_key=False)
    assert may_repeat("POST", has_key=True)
    assert not may_repeat("POST", has_key=False)
    assert not may_repeat("DELETE", has_key=False)
