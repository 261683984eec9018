"""Which JSON values both databases can keep."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from api.problems import FieldError
from utils.pointers import json_pointer

MOST_LEVELS = 200
_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of surrogate pairs

Place = tuple["Place | None", str | int]


def storage_fault(value: Any) -> FieldError | None:
    """Say where and why a JSON value cannot be kept; None when it can.

    PostgreSQL keeps no NUL in text and neither database keeps lone surrogates, NaN or endless
    nesting.
    """
    waiting: list[tuple[Any, Place | None, int]] = [(value, None, 1)]
    while waiting:
        here, place, level = waiting.pop()
        if fault := _fault(here, level):
            return FieldError(_pointer(place), fault)
        if isinstance(here, dict):
            for key, inner in here.items():
                if fault := _fault(key, level):
                    return FieldError(_pointer(place), f"a key: {fault}")
                waiting.append((inner, (place, key), level + 1))
        elif isinstance(here, list):
            waiting.extend((inner, (place, i), level + 1) for i, inner in enumerate(here))
    return None


def _fault(value: Any, level: int) -> str | None:
    if isinstance(value, str):
        found = _UNSTORABLE.search(value)
        return found and f"the character U+{ord(found[0]):04X} cannot be stored"
    if isinstance(value, float):
        return None if isfinite(value) else "a number that is not finite cannot be stored"
    if isinstance(value, dict | list) and level > MOST_LEVELS:
        return f"it is nested more than {MOST_LEVELS} levels deep"
    return None


def _pointer(place: Place | None) -> str:
    return json_pointer(reversed(list(_steps(place))))


def _steps(place: Place | None) -> Iterator[str | int]:
    while place is not None:
        place, step = place
        yield step


def _storable_text(text: str) -> str:
    if fault := _fault(text, 1):
        raise ValueError(fault)
    return text


def storable_time(time: datetime) -> datetime:
    """Return an aware time as UTC; ValueError for one that is beyond the calendar there."""
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time cannot be stored: it is beyond the calendar in UTC") from error


def _iso_time(value: Any) -> Any:
    """Refuse a number of seconds: pydantic takes it for a time, our description does not."""
    if isinstance(value, str) and _ISO_TIME.match(value):
        return value
    raise ValueError("expected a time such as 2026-11-20T06:23:04Z")


StorableTime = Annotated[AwareDatetime, BeforeValidator(_iso_time), AfterValidator(storable_time)]
StorableText = Annotated[str, AfterValidator(_storable_text)]  # for fields of a request
