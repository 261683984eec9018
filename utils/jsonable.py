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
_SCALARS = frozenset({str, bool, float, type(None)})
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
        text = _dumps(jsonable(value, path, limit_bytes))
    check_size(size_bytes(text), path, limit_bytes)
    return text


def jsonable(value: Any, path: str, limit_bytes: int) -> Any:
    """Return a copy of the value made of dict, list, str, int, float, bool and None alone."""
    try:
        return _Copy(limit_bytes).of(value, 1)
    except _Refused as refused:
        raise InvalidResult(
            _shown_path(path, refused.steps), refused.reason, refused.advice
        ) from None
    except _TooMany as counted:
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
    return InvalidResult(
        path,
        f"{size} bytes as JSON, more than the limit of {limit_bytes:,} bytes",
        "return less (what readers use, not whole objects), or raise TRUELINE_RESULT_LIMIT_BYTES",
    )


def _encoded_plain(value: Any, limit_bytes: int) -> str | None:
    """Encode what needs no conversion and has nothing to refuse; None says neither."""
    if type(value) not in {dict, list} or _left_of(limit_bytes // 2, value, 1) < 0:
        return None
    try:
        text = _dumps(value)
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


def _dumps(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
    )


def _left_of(budget: int, container: Any, depth: int) -> int:
    """Count the values of a plain container off the budget; negative when it is not plain."""
    budget -= len(container)
    if depth > MAX_DEPTH or budget < 0:
        return -1
    items: Iterable[Any] = container
    if type(container) is dict:
        if not _TEXT.issuperset(map(type, container)):
            return -1
        items = container.values()
    for item in items:
        kind = type(item)
        if kind in _SCALARS:
            continue
        if kind is int:
            if not MIN_INTEGER <= item <= MAX_INTEGER:
                return -1
        elif kind is dict or kind is list or kind is tuple:
            budget = _left_of(budget, item, depth + 1)
            if budget < 0:
                return -1
        else:
            return -1
    return budget


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """Why a value is refused, with the steps that lead to it, innermost first."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.steps: list[str] = []


class _TooMany(Exception):  # noqa: N818 - never leaves this module
    """More values than the size limit has room for."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class _Copy:
    """One conversion: copies a value part by part and knows what it is inside of."""

    def __init__(self, limit_bytes: int) -> None:
        self._most = limit_bytes // 2
        self._count = 0
        self._open: set[int] = set()

    def of(self, value: Any, depth: int) -> Any:
        plain = _simple(value)
        if type(plain) in _EXACT_SCALARS:
            return plain
        if id(value) in self._open:
            raise _Refused("it contains itself", "return a copy without the reference to itself")
        if depth > MAX_DEPTH:
            raise _Refused(f"nested deeper than {MAX_DEPTH} levels", "return a flatter structure")
        self._count += len(plain)
        if self._count > self._most:
            raise _TooMany(self._count)
        self._open.add(id(value))
        copy = self._object(plain, depth) if type(plain) is dict else self._array(plain, depth)
        self._open.discard(id(value))
        return copy

    def _object(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for key, item in value.items():
            name = _key(key)
            if name in copy:
                raise _Refused(
                    f"two keys become {_quoted(name)}", "make the keys differ as text too"
                )
            try:
                copy[name] = self.of(item, depth + 1)
            except _Refused as refused:
                refused.steps.append(f".{name}" if name.isidentifier() else f"[{_quoted(name)}]")
                raise
        return copy

    def _array(self, value: Any, depth: int) -> list[Any]:
        copy: list[Any] = []
        for index, item in enumerate(value):
            try:
                copy.append(self.of(item, depth + 1))
            except _Refused as refused:
                refused.steps.append(f"[{index}]")
                raise
        return sorted(copy, key=_dumps) if type(value) is frozenset else copy


def _simple(value: Any) -> Any:
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
        raise _Refused(refused.reason, refused.advice) from None
    except Exception as error:  # a plugin's model_dump may raise anything
        reason = f"converting {shown_kind(value)} to JSON raised {type(error).__name__}"
        raise _Refused(reason, "convert it in the task itself to see the error") from error
    raise _Refused(f"{shown_kind(value)} never becomes JSON", "convert it in the task itself")


def _key(key: Any) -> str:
    plain = _simple(key)
    if type(plain) is str:
        return plain
    if type(plain) in _EXACT_SCALARS:
        return _dumps(plain)
    raise _Refused(f"a key is a {shown_kind(key)}", "use text as keys")


def _quoted(name: str) -> str:
    return json.dumps(shortened(name, 40))


def _shown_path(start: str, steps: list[str]) -> str:
    path = start + "".join(reversed(steps))
    half = _SHOWN_PATH // 2
    return path if len(path) <= _SHOWN_PATH else f"{path[:half]} ... {path[-half:]}"
