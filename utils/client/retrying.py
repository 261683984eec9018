"""When a request is sent again, and after how long; pure."""

import random
from collections.abc import Callable, Mapping

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
PASSING = frozenset({429, 502, 503, 504})
SAFE = frozenset({"GET", "HEAD"})


def may_repeat(method: str, *, has_key: bool) -> bool:
    """Tell whether sending a request twice does no more than sending it once."""
    return method in SAFE or has_key


def pause_seconds(
    attempt: int,
    headers: Mapping[str, str],
    uniform: Callable[[float, float], float] = random.uniform,
) -> float:
    """Return how long to wait after a failed attempt, counted from 1; Retry-After is kept."""
    own = FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * uniform(0.5, 1.0)
    try:
        asked = float(headers.get("Retry-After", "0"))
    except ValueError:
        asked = 0.0
    return float(min(max(own, asked), LONGEST_PAUSE_SECONDS))
