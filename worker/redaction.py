"""Takes secrets out of all that leaves a child: text, JSON values, and streams of bytes."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from worker.secret_forms import SHORTEST_INSIDE_TEXT, forms_of_all

MARK = "***"
_LONGEST_OPEN_END = 8  # a stream's last bytes that begin a secret are hidden from this length on
_NEVER = "(?!)"


class Redactor:
    """Knows every form of some secrets, and replaces each by a mark."""

    def __init__(self, secrets: Iterable[str]) -> None:
        values = {secret for secret in secrets if secret.strip()}
        forms = forms_of_all(values)
        self._text = _alternation(forms)
        self.byte_forms = tuple(_encoded(form) for form in forms)
        self.bytes_pattern = _alternation_of_bytes(self.byte_forms)
        self._whole = frozenset(value for value in values if len(value) < SHORTEST_INSIDE_TEXT)
        self._numbers = frozenset(
            number for value in values if (number := _number(value)) is not None
        )
        self._signs = _signs_in_json(forms, self._whole, self._numbers)

    def redact_text(self, text: str) -> str:
        """Return `text` without secrets."""
        if text in self._whole:
            return MARK
        pieces, copied_to = [], 0
        for start, end in merged_spans(self._text, text):
            pieces += [text[copied_to:start], MARK]
            copied_to = end
        return "".join([*pieces, text[copied_to:]]) if pieces else text

    def redact_json(self, value: Any) -> Any:
        """Return a JSON value without secrets in strings, keys, and numbers that equal one."""
        if isinstance(value, str):
            return self.redact_text(value)
        if isinstance(value, Mapping):
            return self._redact_object(value)
        if isinstance(value, Sequence):
            return [self.redact_json(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return MARK if value in self._numbers else value
        return value

    def is_clean(self, line: bytes) -> bool:
        """Whether this line of JSON holds no form of any secret, and needs no closer look."""
        return not any(sign in line for sign in self._signs)

    def stream(self) -> "RedactedStream":
        """Return what redacts one stream of bytes, chunk by chunk."""
        return RedactedStream(self)

    def _redact_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        redacted: dict[str, Any] = {}
        for key, item in value.items():
            name = unique = self.redact_text(key)
            while unique in redacted:  # two keys that differ by secrets alone
                unique = f"{name} ({len(redacted) + 1})"
            redacted[unique] = self.redact_json(item)
        return redacted


class RedactedStream:
    """One stream: holds back only those last bytes that may be the beginning of a secret."""

    def __init__(self, redactor: Redactor) -> None:
        self._pattern = redactor.bytes_pattern
        self._forms = redactor.byte_forms
        self._held = b""
        self._marked = 0  # so many of the held bytes belong to a mark that was given out already

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return what is safe to show by now."""
        data = self._held + chunk
        return self._give(data, len(data) - self._open_end(data))

    def finish(self) -> bytes:
        """Return the rest at the stream's end, without a long beginning of a secret."""
        data, self._held = self._held, b""
        if len(data) - self._marked >= _LONGEST_OPEN_END:
            return MARK.encode()
        return self._give(data, len(data))

    def _give(self, data: bytes, safe: int) -> bytes:
        pieces, copied_to = [], self._marked
        for start, end in merged_spans(self._pattern, data):
            if start >= safe:
                break
            if start >= copied_to:
                pieces += [data[copied_to:start], MARK.encode()]
            copied_to = max(copied_to, end)
        pieces.append(data[copied_to:safe])
        self._held, self._marked = data[safe:], max(0, copied_to - safe)
        return b"".join(pieces)

    def _open_end(self, data: bytes) -> int:
        return max((_overlap(data, form) for form in self._forms), default=0)


def merged_spans(pattern: re.Pattern[Any], text: Any) -> Iterator[tuple[int, int]]:
    """Yield where `pattern` matches, matches that overlap as one."""
    match = pattern.search(text)
    while match is not None:
        start, end = match.span()
        while (match := pattern.search(text, match.start() + 1)) is not None:
            if match.start() >= end:
                break
            end = max(end, match.end())
        yield start, end


def secret_values(config: Mapping[str, Any], pointers: Iterable[str]) -> list[str]:
    """Return the strings and numbers at, or anywhere below, these JSON pointers of `config`."""
    return [text for pointer in pointers for text in _leaves(_at(config, pointer))]


def _at(value: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _leaves(value: Any) -> list[str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [json.dumps(value)]
    return _strings_in(value)


def _strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    below = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping | list):
        return []
    return [text for item in below for text in _strings_in(item)]


def _number(text: str) -> int | float | None:
    try:
        value = json.loads(text)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number and math.isfinite(value) else None
    except (ValueError, OverflowError, RecursionError):
        return None


def _alternation(forms: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, forms)) or _NEVER)


def _alternation_of_bytes(forms: Sequence[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, forms)) or _NEVER.encode())


def _signs_in_json(
    forms: Iterable[str], whole: Iterable[str], numbers: Iterable[float]
) -> tuple[bytes, ...]:
    signs = {json.dumps(form, ensure_ascii=True)[1:-1] for form in forms}
    signs |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
    signs |= {json.dumps(value, ensure_ascii=False) for value in whole}
    for number in numbers:
        signs |= {json.dumps(number), json.dumps(float(number)), str(int(number))}
    return tuple(_encoded(sign) for sign in sorted(signs, key=len))


def _overlap(data: bytes, form: bytes) -> int:
    """Return how many of the last bytes of `data` are a beginning, not the whole, of `form`."""
    tail = data[-(len(form) - 1) :]
    at = tail.find(form[:1])
    while at >= 0:
        if form.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(form[:1], at + 1)
    return 0


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
