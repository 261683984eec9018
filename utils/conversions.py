"""What values become that JSON does not know, one step at a time."""

import math
import os
import sys
from collections.abc import Callable, Mapping, MappingView, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

MAX_INTEGER = 2**64 - 1
MIN_INTEGER = -(2**63)


class Unconvertible(Exception):  # noqa: N818 - reads as the state it reports
    """A value that has no place in JSON; says why and what to return instead."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


def simplified(value: Any) -> Any:
    """Return the value one step nearer to JSON: a scalar, a dict, a list or a set of parts.

    Raises Unconvertible for what the table in docs/reference/results.md does not list.
    """
    for kind in type(value).__mro__:
        convert = _BY_NAME.get(f"{kind.__module__}.{kind.__qualname__}")
        if convert:
            return convert(value)
    return _simplified_by_shape(value)


def checked_scalar(value: Any) -> Any:
    """Return a str, int, float, bool or None as it is, or raise Unconvertible."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Unconvertible(f"{value!r} is no JSON number", "return None where there is no number")
    elif isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise Unconvertible(
            f"an integer of {value.bit_length()} bits, more than the 64 that JSON readers hold",
            "return it as text: str(value)",
        )
    return value


def _check_text(value: str) -> None:
    if "\x00" in value:
        raise Unconvertible(
            "text with a NUL character, which databases refuse", 'use value.replace("\\0", "")'
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unconvertible(
                "text with a lone surrogate, which is no Unicode character",
                'use value.encode("utf-8", "replace").decode()',
            ) from None


def _simplified_by_shape(value: Any) -> Any:
    kind = type(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise Unconvertible(
            f"{kind.__name__} cannot be JSON", "decode it to text, or encode it with base64"
        )
    for base in (str, int, float):
        if isinstance(value, base):
            return _EXACT[base](value)
    if not isinstance(value, type):
        if callable(getattr(kind, "model_dump", None)):
            return value.model_dump()
        if hasattr(kind, "__dataclass_fields__"):
            fields = sys.modules["dataclasses"].fields(value)
            return {field.name: getattr(value, field.name) for field in fields}
        if hasattr(kind, "__fspath__"):
            return os.fspath(value)
    return _simplified_collection(value)


def _simplified_collection(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, Sequence):
        return list(value)
    if isinstance(value, MappingView):  # in the order of its dict, though some views are sets
        return [*iter(value)]  # type: ignore[call-overload]  # all three views are iterable
    if isinstance(value, AbstractSet):
        return frozenset(value)
    return _simplified_number(value)


def _simplified_number(value: Any) -> Any:
    from numbers import Integral, Real  # noqa: PLC0415 - rarely needed, never by plain data

    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise Unconvertible(*_refusal(value))


def _refusal(value: Any) -> tuple[str, str]:
    name = type(value).__name__
    if hasattr(value, "__await__"):
        return f"a {name} cannot be JSON", "await it first"
    if hasattr(value, "__next__") or hasattr(value, "__iter__"):
        return f"a {name} cannot be JSON", "make a list of it: list(...)"
    return (
        f"an object of type {name} cannot be JSON",
        "return its fields as a dict, or its text with str(...)",
    )


def _iso_duration(value: Any) -> str:
    """Return `-P1DT2H3M4.5S`, the way ISO 8601 writes a timedelta."""
    sign, value = ("-", -value) if value.days < 0 else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    date = f"{value.days}D" if value.days else ""
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or fraction or not (date or clock):
        clock += f"{seconds}{fraction}S"
    return f"{sign}P{date}T{clock}" if clock else f"{sign}P{date}"


def _iso_time(value: Any) -> str:
    return str(value.isoformat())


# By name, because importing uuid, decimal and datetime for this table would cost each job 8 ms.
_BY_NAME: dict[str, Callable[[Any], Any]] = {
    "datetime.datetime": _iso_time,
    "datetime.date": _iso_time,
    "datetime.time": _iso_time,
    "datetime.timedelta": _iso_duration,
    "uuid.UUID": str,
    "decimal.Decimal": str,
    "enum.Enum": lambda member: member.value,
    "numpy.bool": bool,
    "numpy.bool_": bool,
}
_EXACT: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
}
