"""Where a text holds only a part of a secret, because the child has shortened it."""

import re
from collections.abc import Iterable, Iterator

# What the SDK writes where it left something out: the worker sees the text only after that.
CUT = "..."
SHORTEST_PART = 8
_AFTER_A_BEGINNING = re.compile(r"\s?\.\.\.")
_BEFORE_AN_END = ("...\n", "... ", "...")


def cut_places(text: str, forms: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield where a long beginning of a form stands before a cut, or a long end behind one."""
    if CUT not in text:
        return
    for form in forms:
        if len(form) > SHORTEST_PART:
            yield from _beginnings(text, form)
            yield from _ends(text, form)


def _beginnings(text: str, form: str) -> Iterator[tuple[int, int]]:
    for start in _found(text, form[:SHORTEST_PART]):
        end = start + _shared(text[start : start + len(form)], form)
        # Where the secret itself goes on with dots, the cut's dots were taken for its own.
        cuts = range(end, max(end - len(CUT), start + SHORTEST_PART) - 1, -1)
        if any(_AFTER_A_BEGINNING.match(text, cut) for cut in cuts):
            yield start, end


def _ends(text: str, form: str) -> Iterator[tuple[int, int]]:
    for at in _found(text, form[-SHORTEST_PART:]):
        end = at + SHORTEST_PART
        before = text[max(0, end - len(form)) : end]
        start = end - _shared(before[::-1], form[::-1])
        cuts = range(start, min(start + len(CUT), at) + 1)
        if any(text[:cut].endswith(_BEFORE_AN_END) for cut in cuts):
            yield start, end


def _shared(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _found(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
