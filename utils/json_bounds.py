"""The bounds that any JSON from outside has to stay in."""

from typing import Any

from utils.errors import TruelineError

DEPTH_LIMIT = 64
VALUE_LIMIT = 100_000


def check_bounds(value: Any, about: str, error: type[TruelineError]) -> None:
    """Raise `error` for JSON that is too deep or too large, or has text that cannot be stored."""
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
        elif isinstance(here, str) and not _is_storable(here):
            raise error(
                f"{about} has text with a NUL or half a surrogate pair", "remove that character"
            )


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)
