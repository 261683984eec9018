"""What follows from one try at a delivery: done, again later, or given up; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_TRIES = 10
LONGEST = timedelta(days=1)  # from the event, or from a redelivery
JITTER = 0.2
GONE = 410
_WAITS = (5, 30, 120, 600, 1800, 3600, 10_800, 18_000, 28_800)  # seconds before each next try
_FIRST_REST_SECONDS = 5.0
_LONGEST_REST_SECONDS = 300.0
_MOST_ASKED_SECONDS = 6 * 3600.0


@dataclass(frozen=True)
class Tried:
    """How a try ended; no error: the receiver has it. `answer` is an HTTP status."""

    error: str | None = None
    answer: int | None = None
    retry_after_seconds: float | None = None

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.answer == GONE


@dataclass(frozen=True)
class Verdict:
    """What becomes of a delivery; neither `due_at` nor `dead`: it is delivered."""

    due_at: datetime | None = None
    dead: bool = False


def judge(tried: Tried, attempts: int, since: datetime, now: datetime, luck: float) -> Verdict:
    """Decide about a delivery after its `attempts`-th try; `luck` in 0..1 spreads the next ones."""
    if tried.error is None:
        return Verdict()
    if tried.gone or attempts >= MOST_TRIES:
        return Verdict(dead=True)
    wait = _WAITS[min(attempts, len(_WAITS)) - 1] * (1 + JITTER * luck)
    due_at = now + timedelta(seconds=max(wait, _asked(tried)))
    return Verdict(dead=True) if due_at > since + LONGEST else Verdict(due_at)


def rest_until(tried: Tried, failures: int, now: datetime) -> datetime:
    """Return until when a receiver that failed so often in a row is left alone."""
    rest = min(_FIRST_REST_SECONDS * 2 ** min(failures - 1, 10), _LONGEST_REST_SECONDS)
    return now + timedelta(seconds=max(rest, _asked(tried)))


def _asked(tried: Tried) -> float:
    return min(tried.retry_after_seconds or 0.0, _MOST_ASKED_SECONDS)
