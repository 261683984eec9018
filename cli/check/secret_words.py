"""Tells secrets from other values, and the names of secrets from names of what is about them."""

import math
import re
from collections import Counter

from utils.exchange_secrets import is_secret_field

_PLACEHOLDER = re.compile(
    r"\*{3}|\.\.\.|<|\{|\$|%s|x{4,}|example|change|dummy|fake|placeholder|password|secret|token"
    r"|your|test|sample|hunter",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"(?:env|file|vault):")  # to a secret that is kept elsewhere
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][\d:.]{4,15}(?:Z|[+-]\d\d:?\d\d)?)?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
# What says something about a secret, or is called a key and opens nothing.
_ABOUT = re.compile(
    r"^(?:key|sig|signature)$"
    r"|(?:public|cache|primary|partition|sort|foreign|object|routing|idempotency)[-_]?key$"
    r"|(?<!session)[-_](?:name|id|ids|url|uri|host|file|path|type|kind|at|on|by|until|date|expires"
    r"|expiry|ttl|days|hours|minutes|seconds|length|size|count|limit|policy|version|mode|method"
    r"|format|header|prefix|suffix|field|env|ref|provider|algorithm|hint|status|scopes?)$",
    re.IGNORECASE,
)
_KINDS = (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]")
_LEAST_BITS = 3.0
_LEAST_CHARACTERS = 12
_MOST_CHARACTERS = 500


def names_a_secret(name: str) -> bool:
    """Tell whether what has this name is a secret, and not something about one."""
    return is_secret_field(name) and _ABOUT.search(name) is None


def is_placeholder(value: str) -> bool:
    """Tell whether a value stands where somebody has to put a secret, or says where it is."""
    return bool(_PLACEHOLDER.search(value) or _REFERENCE.match(value))


def looks_random(value: object) -> bool:
    """Tell whether a value is more likely a secret than a word, a path or a placeholder."""
    if not isinstance(value, str) or not _LEAST_CHARACTERS <= len(value) <= _MOST_CHARACTERS:
        return False
    if re.search(r"\s", value) or is_placeholder(value) or _TIME.fullmatch(value):
        return False
    if "/" in value and not _is_base64(value):
        return False
    kinds = sum(bool(re.search(one, value)) for one in _KINDS)
    return kinds >= 2 and _bits(value) >= _LEAST_BITS and bool(re.search(r"\d", value))


def _is_base64(value: str) -> bool:
    """Tell base64 with a slash from a path, whose parts are words."""
    parts = value.split("/")
    return bool(_BASE64.fullmatch(value)) and any(
        len(part) >= 10 and all(re.search(one, part) for one in _KINDS[:3]) for part in parts
    )


def _bits(value: str) -> float:
    """Return the entropy of a character, in bits."""
    shares = [number / len(value) for number in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)
