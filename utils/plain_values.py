"""What is no secret, whatever it is called: a truth value, a small number, a date."""

import re

LONGEST_SMALL_NUMBER = 3  # digits
_TRUTH = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null"})
_SWITCHED = frozenset({"enabled", "disabled"})
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?Z| ?UTC|[+-]\d{2}:?\d{2})?)?"
)


def is_flag(text: str) -> bool:
    """Tell whether a text only switches something or counts it."""
    word = text.strip().casefold()
    is_small = word.isdecimal() and len(word) <= LONGEST_SMALL_NUMBER
    return is_small or word in _TRUTH or word in _SWITCHED


def is_plain(text: str) -> bool:
    """Tell whether a text is no secret even where its name sounds like that of one."""
    return is_flag(text) or _DATE.fullmatch(text.strip()) is not None
