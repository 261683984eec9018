"""Which of a job's failures decides what becomes of it."""

from worker.child_events import Cause

# The heaviest decides: to try again is of no use while the credentials are refused.
_BY_WEIGHT = ("disabled", "permanent", "temporary", "rate_limited", "not_configured", "auth")


def heavier(one: Cause | None, other: Cause | None) -> Cause | None:
    """Return the heavier of two causes; of two rate limits the one that lasts longer."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=_weight)


def _weight(cause: Cause) -> tuple[int, float]:
    return _BY_WEIGHT.index(cause.kind), cause.retry_after or 0.0
