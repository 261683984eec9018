"""What the API reads the time from."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]  # gives aware times in UTC


def utc_now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)
