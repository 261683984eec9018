"""Takes secrets out of text that is about to be shown: by their shape, and by their value."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote_plus, urlsplit

from utils.plain_values import is_plain
from utils.secret_paths import without_credentials

MARK = "***"
SHORTEST_SECRET = 4  # a shorter value would take away half the text
SHORTEST_QUERY_VALUE = 8  # `key=name` is no secret, and what a query holds is not shown anyway
_LOOKED_AT = 8 * 1024  # of a text; far more than is ever shown
_TELLING_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|jwt|otp|api[-_]?key|auth|authorization"
    r"|cookie|credentials?|(?:private|access|secret|shared|account)[-_]?key|signature"
    r"|session[-_]?id)(?:[-_][A-Za-z0-9]{1,12}){0,2}"
)
# Every repetition below is bounded, or ends at a character that cannot begin it again: what a
# server sends must not be able to make the search slow.
_USER_INFO = re.compile(  # also where a password was not quoted, as it should be
    r"(?<=://)(?:[^/:@?#]{0,99}:(?!\d{1,5}/)[^?#\s\"'<>]*@|[^/?#\s\"'<>]*@)"
)
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s\"'<>`\\]+")
_QUERY_VALUE = re.compile(r"(?<==)[^&;]+")
_SCHEME = re.compile(r"\b(Bearer|Basic|Digest|Negotiate)(\s{1,8})[\w.~+/=:-]{4,}", re.IGNORECASE)
_AUTHORIZATION = re.compile(  # any scheme, to the end of what is quoted or of the line
    r"(authorization\\?[\"']?\s{0,8}[:=]\s{0,8}\\?[\"']?(?:(?:Bearer|Basic|Token)\s{1,8})?)[^\r\n\"'\\&]+",
    re.IGNORECASE,
)
_DIGEST = re.compile(r"(\bDigest\s{1,8})[^\r\n]{0,500}?response\s{0,8}=[^\r\n]*", re.IGNORECASE)
_COOKIE = re.compile(r"(cookie\s{0,8}:\s{0,8})[^\r\n\"]+", re.IGNORECASE)
_VALUE = (
    r"(\\\"(?:[^\"\\]|\\[^\"])*(?:\\\")?|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\s,;&}\])\"']+)"
)
_NAMED = re.compile(
    rf"({_TELLING_NAME}\\?[\"']?\s{{0,8}}[:=]\s{{0,8}}){_VALUE}",
    re.IGNORECASE,
)
_HELD = re.compile(  # a list or an object that holds secrets, to its end
    rf"({_TELLING_NAME}s?\\?[\"']\s{{0,8}}[:=]\s{{0,8}})"
    r"([\[{](?:[^\[\]{}]|[\[{][^\[\]{}]*[\]}])*[\]}]?)",
    re.IGNORECASE,
)
_FIELD = re.compile(  # one that is named by another: {"name": "password", "value": "..."}
    rf"({_TELLING_NAME}\\?[\"']\s{{0,8}},?\s{{0,8}}\\?[\"']?value\\?[\"']?\s{{0,8}}[:=]\s{{0,8}}){_VALUE}",
    re.IGNORECASE,
)
_ELEMENT = re.compile(  # of XML
    rf"(<[\w.:-]{{0,40}}?{_TELLING_NAME}(?:\s[^<>]{{0,200}})?>)([^<]+)", re.IGNORECASE
)
KNOWN_FORMAT = re.compile(  # formats that give themselves away
    r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
    r"|A[KS]IA[A-Z0-9]{16}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|sk-[\w-]{16,}|AIza[\w-]{35}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|hvs\.[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{36}|dop_v1_[a-f0-9]{32,}|\d{6,12}:AA[\w-]{30,})"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NAME = re.compile(rf"{_TELLING_NAME}$|(?:^|[-_])(?:key|sig)$", re.IGNORECASE)
_ABOUT = re.compile(  # such names tell something about a secret, and not the secret
    r"[-_](?:type|kind|name|count|at|ur[il]|endpoint|method|mode|scopes?|status|state|scanning"
    r"|expir(?:y|es|ed|ation)|polic(?:y|ies)|enabled|required|version|format|length|ttl|alerts?)$",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Tell whether a header, parameter or field of this name holds a secret."""
    return _NAME.search(name) is not None and not _ABOUT.search(name)


def concealed(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without these secrets, and without what looks like one; its beginning alone."""
    text = text[:_LOOKED_AT]
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            for form in {secret, quote(secret, safe=""), quote(secret)}:
                text = text.replace(form, MARK)
    text = without_credentials(_URL.sub(lambda found: shown_url(found[0]), text), MARK)
    text = _DIGEST.sub(rf"\1{MARK}", text)
    text = _AUTHORIZATION.sub(rf"\1{MARK}", text)
    text = _COOKIE.sub(rf"\1{MARK}", _SCHEME.sub(rf"\1\2{MARK}", text))
    text = KNOWN_FORMAT.sub(MARK, text)
    for shape in (_HELD, _FIELD, _ELEMENT, _NAMED):
        text = shape.sub(_hidden_value, text)
    return text


def shown_url(url: str) -> str:
    """Return a URL without credentials, in its path too, without query values and fragment."""
    url, fragment, _ = url.partition("#")
    address, mark, query = url.partition("?")
    query = _QUERY_VALUE.sub(MARK, query) if "=" in query else MARK if query else ""
    address = without_credentials(_USER_INFO.sub(f"{MARK}@", address), MARK)
    return address + mark + query + (f"#{MARK}" if fragment else "")


def shown_body(body: bytes | str, limit: int, secrets: Iterable[str] = ()) -> str:
    """Return the beginning of an answer's body: one line, without secrets, `limit` characters."""
    text = body[:_LOOKED_AT]
    if isinstance(text, bytes):
        # Of UTF-16 every other byte is a NUL, in the midst of what would be recognised.
        text = text.decode("utf-8", "replace").replace("\0", "")
    return one_line(concealed(text, secrets), limit)


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line of at most `limit` characters, control characters escaped."""
    flat = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], " ".join(text.split()))
    return flat if len(flat) <= limit else f"{flat[: limit - 3]}..."


def url_secrets(url: str) -> list[str]:
    """Return the credentials and the secret query values of a URL."""
    parts = urlsplit(url)
    found = [unquote_plus(one) for one in (parts.username, parts.password) if one]
    pairs = (piece.partition("=") for piece in parts.query.split("&"))
    values = (unquote_plus(value) for name, _, value in pairs if is_secret_name(name))
    return found + [one for one in values if len(one) >= SHORTEST_QUERY_VALUE and not is_plain(one)]


def _hidden_value(found: re.Match[str]) -> str:
    name, value = found.groups()
    if is_plain(value.strip("\\\"'")) or _ABOUT.search(name.rstrip(" \t\\\"':=>")):
        return found[0]
    opening = re.match(r"\\?[\"']", value)
    quotes = opening[0] if opening else ""
    closed = quotes if quotes and len(value) > len(quotes) and value.endswith(quotes) else ""
    return f"{name}{quotes}{MARK}{closed}"
