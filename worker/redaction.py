"""Takes secrets out of all that leaves a child: text, JSON values, and streams of bytes."""

import itertools
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from utils.pointers import value_at
from utils.secret_forms import SHORTEST_INSIDE_TEXT, forms_of_all, worth_hiding
from worker.cut_secrets import CUT, SHORTEST_PART, cut_places

Text = TypeVar("Text", str, bytes)

MARK = "***"
_LONGEST_OPEN_END = 8  # a stream's last bytes that begin a secret are hidden from this length on


class Redactor:
    """Knows every form of some secrets, or `only` these forms, and replaces each by a mark."""

    def __init__(self, secrets: Iterable[str], only: Sequence[str] | None = None) -> None:
        self._secrets = values = worth_hiding(secrets)
        self._forms = tuple(forms_of_all(values) if only is None else only)
        self._whole = frozenset(value for value in values if len(value) < SHORTEST_INSIDE_TEXT)
        self._numbers = frozenset(
            number for value in values if (number := _number(value)) is not None
        )
        self._signs = tuple((form, _signs_of_text(form)) for form in self._forms)
        self._signs_of_cuts = tuple((form, _signs_of_parts(form)) for form in self._forms)
        self._signs_of_values = _signs_of_values(self._whole, self._numbers)

    @property
    def forms(self) -> Sequence[str]:
        """What is looked for inside text, the longest first."""
        return self._forms

    def narrow(self, line: bytes) -> "Redactor | None":
        """Return what takes out the secrets of this line of JSON; None when it holds none.

        It looks at each value only for the forms that occur anywhere in the line.
        """
        found = {form for form, signs in self._signs if _any_in(line, signs)}
        if CUT.encode() in line:
            found |= {form for form, signs in self._signs_of_cuts if _any_in(line, signs)}
        forms = tuple(form for form in self._forms if form in found)
        if not forms and not _any_in(line, self._signs_of_values):
            return None
        return Redactor(self._secrets, forms)

    def redact_text(self, text: str) -> str:
        """Return `text` without secrets."""
        if text in self._whole:
            return MARK
        pieces, copied_to = [], 0
        for start, end in spans(text, self._forms, cut_places(text, self._forms)):
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

    def stream(self) -> "RedactedStream":
        """Return what redacts one stream of bytes, chunk by chunk."""
        return RedactedStream([_encoded(form) for form in self._forms])

    def _redact_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        redacted: dict[str, Any] = {}
        for key, item in value.items():
            redacted[distinct(self.redact_text(key), redacted)] = self.redact_json(item)
        return redacted


class RedactedStream:
    """One stream: holds back only those last bytes that may be the beginning of a secret."""

    def __init__(self, forms: Sequence[bytes]) -> None:
        self._forms = forms
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
        for start, end in spans(data, self._forms):
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


def distinct(name: str, taken: Collection[str]) -> str:
    """Return `name`, or a numbered one where redaction made two names alike."""
    if name not in taken:
        return name
    numbered = (f"{name} ({number})" for number in itertools.count(len(taken) + 1))
    return next(unique for unique in numbered if unique not in taken)


def spans(
    text: Text, forms: Iterable[Text], more: Iterable[tuple[int, int]] = ()
) -> list[tuple[int, int]]:
    """Return where any of `forms` stands in `text`, and `more`; places that overlap as one."""
    # One search a form: with the hundreds of forms of a private key this is several times faster
    # than one regular expression of them all, and there is nothing to compile for each job.
    merged: list[tuple[int, int]] = []
    whole = (place for form in forms for place in _places(text, form))
    for start, end in sorted(itertools.chain(whole, more)):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def secret_values(config: Mapping[str, Any], pointers: Iterable[str]) -> list[str]:
    """Return the strings and numbers at, or anywhere below, these JSON pointers of `config`."""
    return [text for pointer in pointers for text in _leaves(value_at(config, pointer))]


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


def _signs_of_text(form: str) -> tuple[bytes, ...]:
    signs = {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return tuple(map(_encoded, signs))


def _signs_of_parts(form: str) -> tuple[bytes, ...]:
    parts = (form[:SHORTEST_PART], form[-SHORTEST_PART:])
    return tuple(sign for part in parts for sign in _signs_of_text(part))


def _signs_of_values(whole: Iterable[str], numbers: Iterable[float]) -> tuple[bytes, ...]:
    signs = {json.dumps(value, ensure_ascii=False) for value in whole}
    for number in numbers:
        signs |= {json.dumps(number), json.dumps(float(number)), str(int(number))}
    return tuple(map(_encoded, signs))


def _places(text: Text, form: Text) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _any_in(line: bytes, signs: Iterable[bytes]) -> bool:
    return any(sign in line for sign in signs)


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
