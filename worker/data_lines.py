"""JSON text that came in lines of whole values: checked as if the child lied, without secrets.

`utils.pieces` says how the lines are cut. What goes on is the same text, or one of the same shape.
"""

import json
import re
from typing import Any

from pydantic_core import from_json

from worker.child_events import without_nul
from worker.long_text import LongText
from worker.redaction import Redactor

_NUL = b"\\u0000"
_DIGITS = bytes(0x30 if chr(code).isdigit() else code for code in range(128)) + bytes(
    range(128, 256)
)
_MAYBE_INFINITE = re.compile(rb"[0-9.][eE]\+?[0-9]{3}")
_KEY = re.compile(rb'("(?:[^"\\]++|\\.)*+"):')
MOST_LEVELS = 200  # as in an event
_BRACKETS = {b"[": b"]", b"{": b"}"}


class Unsound(ValueError):  # noqa: N818 - reads as the state it reports
    """The text is no JSON that can be recorded."""


class DataLines:
    """One text, line by line; raises Unsound for what does not go on as it began."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._ends: list[bytes] = []  # of the containers that are open, the outermost first
        self._is_empty = True  # the innermost of them, so far
        self._is_whole = False

    def take(self, line: bytes) -> bytes:
        """Take the next line; return what to pass on instead."""
        if self._is_whole:
            raise Unsound("something follows its end")
        if self._ends and line == self._ends[-1]:
            return self._close(line)
        lead, body = self._split_comma(line)
        opening = body[-1:]
        if opening in _BRACKETS:
            if len(self._ends) >= MOST_LEVELS:
                raise Unsound(f"nested deeper than {MOST_LEVELS} levels")
            name = self._clean_name(body[:-1])
            self._ends.append(_BRACKETS[opening])
            self._is_empty = True
            return lead + name + opening
        if not self._ends:
            raise Unsound("it is neither an object nor an array")
        clean = self._clean_run(body)
        self._is_empty = False
        return lead + clean

    def begin_text(self, head: bytes) -> tuple[bytes, LongText, bytes]:
        """Begin a line that is one long text.

        Returns what to pass on, what takes the text, and the text's first bytes.
        """
        lead, body = self._split_comma(head)
        name = b""
        if self._ends[-1:] == [b"}"]:
            key = _KEY.match(body)
            if key is None:
                raise Unsound("a line without a key")
            name, body = self._clean_name(key[0]), body[key.end() :]
        if not self._ends or not body.startswith(b'"'):
            raise Unsound("a line that is too long")
        self._is_empty = False
        return lead + name + b'"', LongText(self._redactor), body[1:]

    def finish(self) -> None:
        """Check that nothing is open any more."""
        if not self._is_whole:
            raise Unsound("it has no end")

    def _close(self, line: bytes) -> bytes:
        self._ends.pop()
        self._is_empty = False
        self._is_whole = not self._ends
        return line

    def _split_comma(self, line: bytes) -> tuple[bytes, bytes]:
        if self._is_empty:
            return b"", line
        if not line.startswith(b","):
            raise Unsound("a comma is missing")
        return b",", line[1:]

    def _clean_name(self, text: bytes) -> bytes:
        if self._ends[-1:] != [b"}"]:
            if text:
                raise Unsound("a name where none can be")
            return b""
        name = _parsed(text[:-1])
        if not isinstance(name, str) or not text.endswith(b":"):
            raise Unsound("a value without a name")
        clean = self._redactor.redact_text(without_nul(name))
        return text if clean == name else f"{json.dumps(clean, ensure_ascii=False)}:".encode()

    def _clean_run(self, body: bytes) -> bytes:
        value = self._parsed_run(body)
        _check_finite(value, body)
        redactor = self._redactor.narrow(body)
        if redactor is None and _NUL not in body:
            return body
        clean = without_nul(value)
        if redactor is not None:
            clean = redactor.redact_json(clean)
        return json.dumps(clean, ensure_ascii=False, separators=(",", ":"))[1:-1].encode()

    def _parsed_run(self, body: bytes) -> Any:
        """Return the run in its container, parsed inside of all that is open: that is its depth."""
        outside = len(self._ends) - 1
        end = self._ends[-1]
        begin = b"[" if end == b"]" else b"{"
        value = _parsed(b"[" * outside + begin + body + end + b"]" * outside)
        for _ in range(outside):
            if len(value) != 1:
                raise Unsound("it closes what it has not opened")
            value = value[0]
        if not value:
            raise Unsound("a line without a value")
        return value


def _parsed(text: bytes) -> Any:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise Unsound(f"it cannot be read: {error}") from error


def _check_finite(value: Any, text: bytes) -> None:
    # 1e999 is read as infinity. Two searches, because the exact one is slow.
    if b"e000" in text.translate(_DIGITS, b"+").replace(b"E", b"e") and _MAYBE_INFINITE.search(
        text
    ):
        try:
            json.dumps(value, allow_nan=False)
        except ValueError as error:
            raise Unsound("a number in it is not finite") from error
