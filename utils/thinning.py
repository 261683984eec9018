"""How often a task's progress is told: soon at first, more and more rarely, and its end."""

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30.0


class Thinning:
    """Of one task."""

    def __init__(self) -> None:
        self._next_at = float("-inf")
        self._gap_seconds = FIRST_SECONDS
        self._is_at_end = False

    def is_told(self, done: float, total: float | None, now: float) -> bool:
        """Tell whether this one is to be told; it counts as told then."""
        is_end = total is not None and done >= total
        is_first_end = is_end and not self._is_at_end
        self._is_at_end = self._is_at_end or is_end
        if now < self._next_at and not is_first_end:
            return False
        self._next_at = now + self._gap_seconds
        self._gap_seconds = min(2 * self._gap_seconds, LONGEST_SECONDS)
        return True
