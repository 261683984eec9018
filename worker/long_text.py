"""One long text of JSON, taken in pieces cut anywhere: checked, and without secrets."""

import json
import re
from collections.abc import Sequence

from pydantic_core import from_json

from worker.cut_secrets import CUT, cut_places
from worker.redaction import MARK, Redactor, spans

# Whole characters and whole escapes; both halves of a surrogate pair count as one.
_WHOLE = re.compile(
    rb'(?:[^"\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u(?![dD][89abAB])[0-9a-fA-F]{4}'
    rb"|\\[^u])*+"
)
_LEAD_BYTE = 0xC0  # of a character of several bytes in UTF-8
_LONGEST_CHARACTER = 12  # bytes of two escapes that stand for one
_CONTEXT = len(CUT) + 1  # what stands before a part of a secret, as `cut_places` looks for it


class LongText:
    """What stands between two quotes, however long; raises ValueError for what is no such text."""

    def __init__(self, redactor: Redactor) -> None:
        self._redacted = RedactedText(redactor.forms)
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """Take the next bytes; return JSON text that is safe to pass on by now."""
        data = self._held + piece
        end = _end_of_whole(data)
        self._held = data[end:]
        if len(self._held) > _LONGEST_CHARACTER and not self.is_at_quote:
            raise ValueError("an escape that is none")
        if self.is_at_quote and len(self._held) > 1:  # held for long, it would be copied often
            raise ValueError("something follows a long text")
        text = from_json(b'"' + data[:end] + b'"')
        return _as_json(self._redacted.feed(text))

    @property
    def is_at_quote(self) -> bool:
        """Whether the next character is the quote that ends the text."""
        return self._held.startswith(b'"')

    def finish(self) -> tuple[bytes, bytes]:
        """Return the rest of the text, and what stands behind its last quote."""
        if not self.is_at_quote:
            raise ValueError("a text without an end")
        return _as_json(self._redacted.finish()), self._held[1:]


class RedactedText:
    """A text in pieces: holds back what may belong to a secret that goes on."""

    def __init__(self, forms: Sequence[str]) -> None:
        self._forms = forms
        # Longer than any secret with the marks of a cut around it.
        self._held_back = max(map(len, forms), default=0) + 2 * _CONTEXT if forms else 0
        self._text = ""
        self._given = 0  # so many characters of it were given out already, as text or as a mark

    def feed(self, piece: str) -> str:
        """Take the next characters; return what is safe to show by now."""
        self._text += piece
        return self._give(max(self._given, len(self._text) - self._held_back))

    def finish(self) -> str:
        """Return the rest."""
        return self._give(len(self._text))

    def _give(self, safe: int) -> str:
        text, given = self._text, self._given
        pieces = []
        for start, end in spans(text, self._forms, cut_places(text, self._forms)):
            if start >= safe:
                break
            if start >= given:
                pieces += [text[given:start], MARK]
            given = max(given, end)
        pieces.append(text[given:safe])
        kept_from = max(0, safe - _CONTEXT - self._held_back)
        self._text = text[kept_from:]
        self._given = max(given, safe) - kept_from
        return "".join(pieces)


def _end_of_whole(data: bytes) -> int:
    whole = _WHOLE.match(data)
    end = whole.end() if whole else 0
    if end < len(data) or end == 0 or data[end - 1] < 0x80:
        return end
    tail = range(end - 1, max(0, end - 4) - 1, -1)
    return next((at for at in tail if data[at] >= _LEAD_BYTE), end)


def _as_json(text: str) -> bytes:
    return json.dumps(text.replace("\0", "\\x00"), ensure_ascii=False)[1:-1].encode()
