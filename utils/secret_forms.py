"""The forms in which a secret may stand in text: raw, escaped, quoted, base64, hex."""

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

SHORTEST_INSIDE_TEXT = 4  # a shorter secret is only found where it is the whole string
SHORTEST_LINE = 8  # lines of a multi-line secret that count as secrets of their own


def forms_of_all(secrets: Iterable[str]) -> list[str]:
    """Return every form of every secret that may stand inside text, the longest first."""
    found = {
        form
        for secret in secrets
        for part in (secret, *_long_lines(secret), " ".join(secret.split()))
        if len(part) >= SHORTEST_INSIDE_TEXT
        for form in _forms(part)
    }
    return sorted(found, key=lambda form: (-len(form), form))


def _long_lines(secret: str) -> list[str]:
    lines = [line.strip() for line in secret.splitlines()]
    return [line for line in lines if SHORTEST_LINE <= len(line) < len(secret)]


def _forms(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield from (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    yield from (repr(secret)[1:-1], repr(data)[2:-1])  # as tracebacks show it
    for quoted in (quote(data, safe=""), quote(data), quote_plus(data), quote_plus(data, safe="/")):
        yield quoted
        yield _lower_escapes(quoted)
    yield from (data.hex(), data.hex().upper())
    for whole in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
        yield whole
        yield whole.rstrip("=")
    for offset in range(3):
        yield from _base64_cores(data, offset)


def _base64_cores(data: bytes, offset: int) -> Iterator[str]:
    # Inside longer base64 text the secret may begin at any of three places in a group of four
    # characters; the characters at its edges mix with its neighbours, those between are its own.
    first = (offset * 8 + 5) // 6
    last = (offset + len(data)) * 8 // 6
    padded = b"\0" * offset + data
    yield base64.b64encode(padded)[first:last].decode()
    yield base64.urlsafe_b64encode(padded)[first:last].decode()


def _lower_escapes(quoted: str) -> str:
    first, *rest = quoted.split("%")
    return first + "".join(f"%{piece[:2].lower()}{piece[2:]}" for piece in rest)
