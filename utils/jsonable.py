"""How a task's result becomes JSON text: the common case fast, every refusal with its path."""

import json
from collections.abc import Iterable
from typing import Any

from utils.conversions import (
    MAX_INTEGER,
    MIN_INTEGER,
    Unconvertible,
    checked_scalar,
    simplified,
)
from utils.errors import InvalidResult

MAX_DEPTH = 100
NOT_PLAIN = -(1 << 62)
_SCALARS = frozenset({bool, float, type(None)})
_CONTAINERS = frozenset({dict, list, tuple})
_TEXT = frozenset({str})
_EXACT_SCALARS = (str, int, float, bool, type(None))
_SHOWN_PATH = 200


def encoded(value: Any, path: str, limit_bytes: int) -> str:
    """Return the value as JSON text of at most `limit_bytes`.

    What is not plain JSON is converted by the table in docs/reference/results.md. Raises
    InvalidResult whose path, such as `data.items[3].name`, leads to what cannot be recorded.
    """
    text = _encoded_plain(value, limit_bytes)
    if text is None:
        text = dumps(jsonable(value, path, limit_bytes))
    check_size(size_bytes(text), path, limit_bytes)
    return text


def encoded_small(value: Any, path: str, most_bytes: int) -> str | None:
    """Return the value as JSON text like `encoded`; None when it takes more than `most_bytes`."""
    left = left_of(most_bytes, value, 1) if type(value) in {dict, list} else NOT_PLAIN
    text = _plain_text(value) if left >= 0 else None
    if text is None:
        if NOT_PLAIN < left < 0:
            return None
        try:
            text = dumps(Conversion(most_bytes).of(value, 1))
        except Refused as refused:
            raise refused.at(path) from None
        except TooMany:
            return None
    return text if size_bytes(text) <= most_bytes else None


def jsonable(value: Any, path: str, limit_bytes: int) -> Any:
    """Return a copy of the value made of dict, list, str, int, float, bool and None alone."""
    try:
        return Conversion(limit_bytes).of(value, 1)
    except Refused as refused:
        raise refused.at(path) from None
    except TooMany as counted:
        # Each value takes two bytes at least, one of its own and one between it and the next.
        raise _oversize(path, f"at least {2 * counted.count:,}", limit_bytes) from None


def size_bytes(text: str) -> int:
    """Return how many bytes the text takes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def check_size(size: int, path: str, limit_bytes: int) -> None:
    """Raise InvalidResult with both numbers when `size` is over the limit."""
    if size > limit_bytes:
        raise _oversize(path, f"{size:,}", limit_bytes)


def shortened(text: str, most: int) -> str:
    """Return at most so many characters, and dots that tell where something was left out."""
    return text if len(text) <= most else f"{text[:most]}..."


def shown_kind(value: Any) -> str:
    """Name the type of a value for a message; the value itself may be secret or endless."""
    return "None" if value is None else type(value).__name__


def _oversize(path: str, size: str, limit_bytes: int) -> InvalidResult:
    """Return the refusal of what takes more than it may."""
    return InvalidResult(
        path,
        f"{size} bytes as JSON, more than the limit of {limit_bytes:,} bytes",
        "return less (what readers use, not whole objects), or raise TRUELINE_RESULT_LIMIT_BYTES",
    )


def _encoded_plain(value: Any, limit_bytes: int) -> str | None:
    """Encode what needs no conversion and has nothing to refuse; None says neither."""
    if type(value) not in {dict, list} or left_of(limit_bytes, value, 1) < 0:
        return None
    return _plain_text(value)


def _plain_text(value: Any) -> str | None:
    """Encode what left_of has found plain; None where its texts or numbers need a look each."""
    try:
        text = dumps(value)
    except ValueError:  # NaN or infinity
        return None
    if "\\u0000" in text:
        return None
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate
            return None
    return text


def dumps(value: Any) -> str:
    """Return plain JSON values as compact text; raises ValueError for NaN and infinity."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
    )


def left_of(budget: int, container: Any, depth: int) -> int:
    """Count what a plain container takes at the least, in bytes, off a budget.

    Negative when that is more than the budget, NOT_PLAIN when something in it is to be converted
    or refused.
    """
    is_object = type(container) is dict
    if depth > MAX_DEPTH or (is_object and not _TEXT.issuperset(map(type, container))):
        return NOT_PLAIN
    budget -= 2 * len(container)  # each value takes one byte, and one between it and the next
    if is_object:
        budget -= 3 * len(container) + sum(map(len, container))
    if budget < 0:
        return budget
    for item in container.values() if is_object else container:
        kind = type(item)
        if kind is str:
            budget -= len(item)
        elif kind in _SCALARS or (kind is int and MIN_INTEGER <= item <= MAX_INTEGER):
            continue
        elif kind in _CONTAINERS:
            budget = left_of(budget, item, depth + 1)
            if budget < 0:
                return budget
        else:
            return NOT_PLAIN
    return budget


class Refused(Exception):  # noqa: N818 - becomes an InvalidResult where the path is known
    """Why a value is refused, with the steps that lead to it, innermost first."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.steps: list[str] = []

    def at(self, path: str) -> InvalidResult:
        """Return the refusal with the whole path, which begins with `path`."""
        return InvalidResult(_shown_path(path, self.steps), self.reason, self.advice)


class TooMany(Exception):  # noqa: N818 - becomes an InvalidResult where the path is known
    """More values than the size limit has room for."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class Conversion:
    """Copies a value part by part; `inside` are the ids of the containers around it."""

    def __init__(self, limit_bytes: int, inside: Iterable[int] = ()) -> None:
        self._most = limit_bytes // 2
        self._count = 0
        self._open = set(inside)

    def of(self, value: Any, depth: int) -> Any:
        """Return the value as plain JSON; raises Refused and TooMany."""
        plain = simple_form(value)
        if type(plain) in _EXACT_SCALARS:
            return plain
        if id(value) in self._open:
            raise Refused("it contains itself", "return a copy without the reference to itself")
        if depth > MAX_DEPTH:
            raise Refused(f"nested deeper than {MAX_DEPTH} levels", "return a flatter structure")
        self._count += len(plain)
        if self._count > self._most:
            raise TooMany(self._count)
        self._open.add(id(value))
        copy = self._object(plain, depth) if type(plain) is dict else self._array(plain, depth)
        self._open.discard(id(value))
        return copy

    def _object(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for key, item in value.items():
            name = key_text(key)
            if name in copy:
                raise Refused(
                    f"two keys become {_quoted(name)}", "make the keys differ as text too"
                )
            try:
                copy[name] = self.of(item, depth + 1)
            except Refused as refused:
                refused.steps.append(key_step(name))
                raise
        return copy

    def _array(self, value: Any, depth: int) -> list[Any]:
        copy: list[Any] = []
        for index, item in enumerate(value):
            try:
                copy.append(self.of(item, depth + 1))
            except Refused as refused:
                refused.steps.append(f"[{index}]")
                raise
        return sorted(copy, key=dumps) if type(value) is frozenset else copy


def simple_form(value: Any) -> Any:
    """Return an exact scalar, dict, list, tuple or frozenset that stands for the value."""
    try:
        for _ in range(10):  # an Enum of a path of a str subclass takes three
            kind = type(value)
            if kind in _EXACT_SCALARS:
                return checked_scalar(value)
            if kind is dict or kind is list or kind is tuple or kind is frozenset:
                return value
            value = simplified(value)
    except Unconvertible as refused:
        raise Refused(refused.reason, refused.advice) from None
    except Exception as error:  # a plugin's model_dump may raise anything
        reason = f"converting {shown_kind(value)} to JSON raised {type(error).__name__}"
        raise Refused(reason, "convert it in the task itself to see the error") from error
    raise Refused(f"{shown_kind(value)} never becomes JSON", "convert it in the task itself")


def key_text(key: Any) -> str:
    """Return the text that a key becomes."""
    plain = simple_form(key)
    if type(plain) is str:
        return plain
    if type(plain) in _EXACT_SCALARS:
        return dumps(plain)
    raise Refused(f"a key is a {shown_kind(key)}", "use text as keys")


def key_step(name: str) -> str:
    """Return how a path goes on below a key."""
    return f".{name}" if name.isidentifier() else f"[{_quoted(name)}]"


def _quoted(name: str) -> str:
    return json.dumps(shortened(name, 40))


def _shown_path(start: str, steps: list[str]) -> str:
    path = start + "".join(reversed(steps))
    half = _SHOWN_PATH // 2
    return path if len(path) <= _SHOWN_PATH else f"{path[:half]} ... {path[-half:]}"
