"""Tells whether a value that stands where a secret might is likely to be a real one."""

import math
import re
from collections import Counter

from detect_secrets.filters import heuristic

SHORTEST_TOKEN = 16  # no provider gives out shorter ones; `https://hooks.../T0/B0/x` is a stand-in
SHORTEST, LONGEST = 8, 400
LEAST_BITS_A_CHARACTER = 3.0
PLACEHOLDER = re.compile(
    r"example|change.?me|place.?holder|your|dummy|fake|sample|redacted|insert|replace|todo|xxxx"
    r"|foo|bar(?![a-z])|test|demo|default|password|passwd|secret|token|undefined|invalid|mock"
    r"|1234|abcd|qwert|deadbeef|\.\.\.|\*\*\*|\$\{|\{\{|\{%|%\(|%s|<[a-z]",
    re.IGNORECASE,
)
STAND_IN = re.compile(
    r"exampl|xxxx|\*\*\*|\.\.\.|12345678|abcdef|test_?key|fake|dummy|(.)\1{7}", re.IGNORECASE
)
EXPRESSION = re.compile(r"[()\[\]]|\s|^[\w.$-]*::|->|=>|^[&*@]\w|^\{|\}$|^<|>$|^\$|^%|\\[ntux]")
PATH_OR_ADDRESS = re.compile(
    r"^[a-z][a-z0-9+.-]*://|^[~.]{0,2}/|^[a-z]:\\|\.[a-z]{1,5}$", re.IGNORECASE
)
DOTTED_WORDS = re.compile(
    r"[a-z_]+[0-9]{0,2}(?:[._/:-]+[a-z]*[0-9]{0,2}[a-z]*)*|v?[0-9]+\.[0-9]+.*", re.IGNORECASE
)
CAMEL_WORDS = re.compile(r"(?:[A-Z]?[a-z]{3,}[0-9]?|[A-Z]{2,}){1,6}")
DIGEST_ON_LINE = re.compile(
    r"sha-?(?:1|224|256|384|512)|\bmd5|digest|checksum|integrity|fingerprint|\bhash|etag|commit"
    r"|revision|public.?key|uuid|guid",
    re.IGNORECASE,
)


def is_placeholder(value: str) -> bool:
    """Whether a token of a known format is an obvious stand-in, such as AWS's EXAMPLE keys."""
    return (
        STAND_IN.search(value) is not None
        or max(map(len, re.split(r"[/:.\s]", value))) < SHORTEST_TOKEN
        or bits_a_character(value) < 2.5
        or heuristic.is_sequential_string(value)
    )


def looks_like_a_secret(value: str, line: str) -> bool:
    """Whether the value of a secret-sounding name is random enough to be a real secret."""
    if not SHORTEST <= len(value) <= LONGEST or bits_a_character(value) < LEAST_BITS_A_CHARACTER:
        return False
    letters = any(character.isalpha() for character in value)
    digits = any(character.isdigit() for character in value)
    return letters and digits and not (_is_named_thing(value) or _is_known_harmless(value, line))


def bits_a_character(value: str) -> float:
    """Return the value's Shannon entropy."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def _is_named_thing(value: str) -> bool:
    return (
        PLACEHOLDER.search(value) is not None
        or EXPRESSION.search(value) is not None
        or PATH_OR_ADDRESS.search(value) is not None
        or DOTTED_WORDS.fullmatch(value) is not None
        or CAMEL_WORDS.fullmatch(value) is not None
    )


def _is_known_harmless(value: str, line: str) -> bool:
    return (
        heuristic.is_sequential_string(value)
        or heuristic.is_potential_uuid(value)
        or heuristic.is_likely_id_string(value, line)
        or DIGEST_ON_LINE.search(line) is not None
    )
