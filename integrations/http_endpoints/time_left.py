"""How long one look may take, so that what was seen before is not lost to the task's deadline."""

from utils.deadline import seconds_left

SPARE_SECONDS = 2.0  # to put together what was seen


class NoTimeLeft(TimeoutError):  # noqa: N818 - reads as the state it reports
    """The task's time is nearly up."""


def allowed_seconds(timeout_seconds: float) -> float:
    """Return the time-out, or what is left of the task's time; raises NoTimeLeft."""
    left = seconds_left()
    if left is None:
        return timeout_seconds
    if left <= SPARE_SECONDS:
        raise NoTimeLeft(
            "not looked at: the task's time is up; watch fewer URLs, or shorten `timeout_seconds`"
        )
    return min(timeout_seconds, left - SPARE_SECONDS)
