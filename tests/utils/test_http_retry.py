from email.utils import formatdate

import pytest

from utils.http_retry import backoff_seconds, is_limit_spent, may_repeat, retry_after
from utils.integration_errors import Cause

NOW = 1_800_000_000.0


def test_waits_double_from_half_a_second_to_half_a_minute() -> None:
    waits = [backoff_seconds(attempt, 0.0) for attempt in (1, 2, 3, 4, 7, 8, 5000)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 30.0, 30.0, 30.0]
    assert backoff_seconds(1, 1.0) == 0.625


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": formatdate(NOW + 60, usegmt=True)}, 60.0),
        ({"retry-after": formatdate(NOW - 60, usegmt=True)}, None),
        (
            {
                "retry-after": formatdate(NOW - 7000, usegmt=True),
                "date": formatdate(NOW - 7060, usegmt=True),
            },
            60.0,
        ),
        ({"retry-after": "Mon, 99 Foo 2026 99:99:99 GMT"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 5)}, 5.0),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": str(NOW + 5)}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "5"}, 5.0),
        ({"ratelimit-remaining": "0"}, None),
    ],
)
def test_the_wait_that_an_answer_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "body", "spent"),
    [
        (429, {}, b"", True),
        (403, {}, b"no", False),
        (403, {"x-ratelimit-remaining": "0"}, b"", True),
        (403, {"x-ratelimit-remaining": "7"}, b"", False),
        (403, {"retry-after": "1"}, b"", True),
        (403, {}, b'{"message": "API Rate Limit exceeded"}', True),
        (401, {"x-ratelimit-remaining": "0"}, b"bad credentials", False),
        (401, {}, b"rate limit exceeded", True),
        (403, {}, b'{"error": "rate_limit_exceeded"}', True),
        (403, {}, b'{"reason": "userRateLimitExceeded"}', True),
        (403, {}, b"Too Many Requests", True),
        (403, {}, b'{"error": "the scope rate_limits:read is missing"}', False),
        (401, {"retry-after": "1"}, b"", True),
        (500, {"retry-after": "1"}, b"", False),
    ],
)
def test_an_answer_that_says_that_a_limit_is_spent(
    status: int, headers: dict[str, str], body: bytes, *, spent: bool
) -> None:
    assert is_limit_spent(status, headers, body) is spent


@pytest.mark.parametrize("cause", list(Cause))
def test_only_what_can_do_no_harm_is_repeated(cause: Cause) -> None:
    told = [
        may_repeat(cause, repeatable=repeatable, untouched=untouched)
        for repeatable, untouched in ((True, False), (False, True), (False, False))
    ]
    expected = {Cause.RATE_LIMITED: [True] * 3, Cause.TEMPORARY: [True, True, False]}
    assert told == expected.get(cause, [False] * 3)
