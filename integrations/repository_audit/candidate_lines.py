"""The few lines of a file on which a secret can stand at all, found at the speed of one regex."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LINE = 2000  # beyond it, a minified line is looked at around each hit alone
AROUND_HIT = 500
AFTER_LINE = 400
ENDING = 200  # where an allowlist comment may stand

# A secret's name counts only where a value may follow it; prose about passwords is everywhere.
VALUE_FOLLOWS = rb"[\w.-]{0,40}['\"`)\]]{0,3}(?:\s{0,20}[:=!,(]|\s{1,20}['\"])"
# Whatever a detector finds has one of these on its line, in small letters. A pattern is searched
# for only where one of its literals is in the file, and begins with a literal where it can: both
# are far faster than a look at each byte.
ANCHORS = tuple(
    (literals.split(), re.compile(pattern))
    for literals, pattern in (
        (b"pass", rb"pass" + VALUE_FOLLOWS),
        (b"pwd", rb"pwd" + VALUE_FOLLOWS),
        (
            b"secret token credential contrase",
            rb"(?:secret|token|credential|contrase)" + VALUE_FOLLOWS,
        ),
        (
            b"key",
            rb"(?:api|auth|service|account|db|database|priv|private|client|access|signing|encryption)"
            rb"[_-]?key" + VALUE_FOLLOWS,
        ),
        (b"private putty-user", rb"private key|putty-user-key-file-2"),
        (b"kia sia bia cca a3t", rb"a(?:kia|sia|bia|cca|3t[a-z0-9])[0-9a-z]{16}"),
        (b"akc", rb"akc[a-z0-9]{10}"),
        (b"ghp_ gho_ ghu_ ghs_ ghr_", rb"gh[pousr]_[a-z0-9_]{36}"),
        (b"gl", rb"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[a-z0-9_-]{20}"),
        (b"gr1348941 t3blbkfj pypi-age", rb"gr1348941|t3blbkfj|pypi-age"),
        (b"sq0csp- k_live_ sg.", rb"sq0csp-|[rs]k_live_|sg\.[a-z0-9_-]{22}\."),
        (b"xox hooks.slack", rb"xox[abposr]-|hooks\.slack\.com/services/t"),
        (b"eyj", rb"eyj[a-z0-9_=-]{8}[a-z0-9_=-]*\."),
        (b"_authtoken", rb"_authtoken"),
        (b"-us", rb"[0-9a-z]{32}-us[0-9]"),
        (b"ac sk", rb"(?:ac|sk)[a-z0-9]{32}"),
        (b":", rb":[0-9a-z_-]{35}(?![0-9a-z_-])"),
        (b".", rb"\.[a-z0-9_-]{6}\.[a-z0-9_-]{27}"),
        (b"://", rb"://[^\s:/@]{1,100}:[^\s/@]{1,100}@"),
    )
)


@dataclass(frozen=True)
class CandidateLine:
    """A line worth a closer look, with the one before it and what follows it.

    Of an overlong line, `text` is the part around a hit and `ending` the line's last characters.
    """

    number: int
    text: str
    before: str
    after: str
    ending: str = ""


def candidate_lines(contents: bytes) -> Iterator[CandidateLine]:
    """Yield the lines of a file that hold an anchor; of overlong lines, the part around it."""
    number, counted_to, done_to = 1, 0, -1
    for hit, hit_end in _hits(contents.lower()):
        if hit < done_to:
            continue
        start, end, done_to = _bounds(contents, hit, hit_end)
        number += contents.count(b"\n", counted_to, start)
        counted_to = start
        yield CandidateLine(
            number=number,
            text=_text(contents[start:end]),
            before=_line_before(contents, start),
            after=_text(contents[end : end + AFTER_LINE]),
            ending=_ending(contents, end),
        )


def _hits(lowered: bytes) -> list[tuple[int, int]]:
    return sorted(
        match.span()
        for literals, pattern in ANCHORS
        if any(literal in lowered for literal in literals)
        for match in pattern.finditer(lowered)
    )


def _bounds(contents: bytes, hit: int, hit_end: int) -> tuple[int, int, int]:
    """Return where the part to look at begins and ends, and up to where hits are covered."""
    start = contents.rfind(b"\n", 0, hit) + 1
    end = contents.find(b"\n", hit)
    end = len(contents) if end == -1 else end
    if end - start <= LONGEST_LINE:
        return start, end, end
    return max(start, hit - AROUND_HIT), min(end, hit_end + AROUND_HIT), hit_end + AROUND_HIT // 2


def _line_before(contents: bytes, start: int) -> str:
    if start == 0 or contents[start - 1 : start] != b"\n":
        return ""
    begin = contents.rfind(b"\n", 0, start - 1) + 1
    return _text(contents[max(begin, start - LONGEST_LINE) : start - 1])


def _ending(contents: bytes, end: int) -> str:
    if contents[end : end + 1] in {b"", b"\n"}:
        return ""
    line_end = contents.find(b"\n", end)
    line_end = len(contents) if line_end == -1 else line_end
    return _text(contents[max(end, line_end - ENDING) : line_end])


def _text(part: bytes) -> str:
    return part.decode(errors="replace").rstrip("\r\n")
