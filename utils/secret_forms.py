"""The forms in which a secret may stand in text: raw, escaped, quoted, base64, hex."""

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from utils.plain_values import is_flag, is_plain

SHORTEST_INSIDE_TEXT = 4  # a shorter secret is only found where it is the whole string
SHORTEST_LINE = 8  # lines of a multi-line secret, and parts of a URL, that are secrets themselves


def worth_hiding(secrets: Iterable[str]) -> set[str]:
    """Return the secrets that are any: to hide each `true`, or each 5, would only spoil text."""
    return {secret for secret in secrets if secret.strip() and not is_flag(secret)}


def forms_of_all(secrets: Iterable[str]) -> list[str]:
    """Return every form of every secret that may stand inside text, the longest first."""
    found = {
        form
        for secret in secrets
        for part in (secret, *_parts(secret), " ".join(secret.split()))
        if len(part) >= SHORTEST_INSIDE_TEXT
        for form in _forms(part)
    }
    return sorted(found, key=lambda form: (-len(form), form))


def _parts(secret: str) -> list[str]:
    """Return what of a secret is one by itself: lines of a key, the secret part of a URL."""
    return _long_lines(secret) + (_parts_of_url(secret) if "://" in secret else [])


def _parts_of_url(secret: str) -> list[str]:
    try:
        url = urlsplit(secret.strip())
    except ValueError:
        return []
    if url.password or url.username:
        return [unquote(url.password or url.username or "")]
    values = [unquote_plus(piece.partition("=")[2]) for piece in url.query.split("&")]
    # Without a user and a query it is the path that nobody may know, as that of a webhook.
    found = [one for one in values if len(one) >= SHORTEST_LINE and not is_plain(one)]
    path = url.path.rstrip("/")
    return found or ([path] if len(path) >= SHORTEST_LINE else [])


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
