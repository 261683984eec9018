"""The bounds that any JSON from outside has to stay in."""

import re
from typing import Any

from utils.errors import TruelineError

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # what `api.storable` refuses, too
DEPTH_LIMIT = 64
VALUE_LIMIT = 100_000


def check_bounds(value: Any, about: str, error: type[TruelineError]) -> int:
    """Return how many values and names JSON has.

    Raises `error` where it is too deep or too large, or has text that cannot be stored.
    """
    pending: list[tuple[Any, int]] = [(value, 1)]
    count = 0
    while pending:
        here, depth = pending.pop()
        count += 1
        if depth > DEPTH_LIMIT:
            raise error(f"{about} is more than {DEPTH_LIMIT} levels deep", "make it flatter")
        if count > VALUE_LIMIT:
            raise error(f"{about} has more than {VALUE_LIMIT} values", "make it smaller")
        if isinstance(here, dict):
            pending += [(part, depth + 1) for part in (*here, *here.values())]
        elif isinstance(here, list):
            pending += [(part, depth + 1) for part in here]
        elif isinstance(here, str) and _UNSTORABLE.search(here):
            raise error(
                f"{about} has text with a NUL or half a surrogate pair", "remove that character"
            )
    return count
