"""How long to wait between tries: longer each time, with jitter so that workers spread out."""

import random


class Backoff:
    """Doubles from `first_seconds` to `most_seconds`; each wait is half to all of that."""

    def __init__(self, first_seconds: float = 0.1, most_seconds: float = 15.0) -> None:
        self._first_seconds = first_seconds
        self._most_seconds = most_seconds
        self._next_seconds = first_seconds

    def next(self, at_least_seconds: float = 0.0) -> float:
        """Return the seconds to wait now, and wait longer the next time."""
        share = random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        seconds = self._next_seconds * share
        self._next_seconds = min(2 * self._next_seconds, self._most_seconds)
        return max(seconds, at_least_seconds)

    def reset(self) -> None:
        """Begin small again: the last try went well."""
        self._next_seconds = self._first_seconds
