"""Whether a request that failed is sent again, and after how long."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from utils.integration_errors import Cause

FIRST_WAIT_SECONDS = 0.5  # then twice as long each time: 0.5, 1, 2
LONGEST_WAIT_SECONDS = 30.0  # without a Retry-After
JITTER = 0.25  # at most so much of a wait comes on top of it
_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining")
_RESET = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")
_SAID = re.compile(rb"rate limit|rate_?limit_?exceeded|too many requests", re.IGNORECASE)
_EPOCH = 1_000_000_000  # a larger number is a time, a smaller one are seconds


def backoff_seconds(attempt: int, luck: float) -> float:
    """Return the wait after the attempt of this number, from 1; `luck` is from 0 to 1."""
    exponent = min(attempt - 1, 16)
    return min(FIRST_WAIT_SECONDS * float(2**exponent), LONGEST_WAIT_SECONDS) * (1 + JITTER * luck)


def may_repeat(cause: Cause, *, repeatable: bool, untouched: bool) -> bool:
    """Tell whether to send a request again can do no harm.

    `untouched`: it never reached the other system. One that was refused for its rate was not
    carried out either.
    """
    if cause is Cause.RATE_LIMITED:
        return True
    return cause is Cause.TEMPORARY and (repeatable or untouched)


def is_limit_spent(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether an answer says that the rate limit is spent."""
    if status == 429:
        return True
    if status not in {401, 403}:
        return False
    if "retry-after" in headers or _SAID.search(body[:4096]):
        return True
    # Beside a 401 it is the limit of those who are not known.
    return status == 403 and any(headers.get(name) == "0" for name in _REMAINING)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait that an answer asks for; `now` is in seconds since 1970.

    A date is compared with the answer's own: clocks differ. One that is over, or no time at all,
    asks for nothing: to come back at once is what the limit was spent on.
    """
    wait = _asked(headers, now)
    return wait if wait is not None and wait > 0 else None


def _asked(headers: Mapping[str, str], now: float) -> float | None:
    text = headers.get("retry-after", "").strip()
    if text:
        seconds = _number(text)
        if seconds is not None:
            return seconds
        until = _moment(text)
        if until is not None:
            return until - (_moment(headers.get("date", "")) or now)
    if any(headers.get(name) == "0" for name in _REMAINING):
        resets = (_number(headers.get(name, "")) for name in _RESET)
        reset = next((one for one in resets if one is not None), None)
        if reset is not None:
            return reset - now if reset > _EPOCH else reset
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _moment(text: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
