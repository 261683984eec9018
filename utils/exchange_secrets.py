"""Takes what must not be kept out of HTTP exchanges, before anything of them is written."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus, urlsplit, urlunsplit

from utils.concealed import KNOWN_FORMAT, MARK, is_secret_name
from utils.plain_values import is_plain
from utils.secret_forms import SHORTEST_INSIDE_TEXT, forms_of_all, worth_hiding
from utils.secret_paths import without_credentials

# What a server may need to know to answer in the same way; all other headers stay behind.
_KEPT = re.compile(r"accept|accept-language|content-type|range|prefer|depth|x-[\w-]*version")
_NOT_KEPT = frozenset(  # of an answer: of its transport, or of no use later
    {
        *("connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"),
        *("alt-svc", "nel", "report-to", "server-timing", "set-cookie", "set-cookie2"),
    }
)
_HANDED_OUT = frozenset(  # fields in which systems hand out secrets, without "-", "_" and case
    {
        *("accesstoken", "refreshtoken", "idtoken", "sessiontoken", "clientsecret", "password"),
        *("privatekey", "secretkey", "secretaccesskey", "apikey", "authtoken"),
        *("token", "jwt", "bearertoken", "sessionid", "sessionkey"),
    }
)
SHORTEST_HANDED_OUT = 12  # a shorter one is hidden where it is handed out, and not looked for
# Where a list goes on is no secret, and two pages must not look alike.
_PLACE_IN_A_LIST = re.compile(
    r"(?:next[-_]?)?(?:page|next|continuation|sync|start|skip|delta)[-_]?token", re.IGNORECASE
)


class Stripper:
    """Knows the secrets of a config; what it returns has none of them, in any form.

    It gets to know those that systems hand out, and takes them out of what comes after.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = worth_hiding(secrets)
        self._forms = forms_of_all(values)
        self._whole = {value for value in values if len(value) < SHORTEST_INSIDE_TEXT}

    def text(self, text: str) -> str:
        """Return text without secrets."""
        if text in self._whole:
            return MARK
        for form in self._forms:
            text = text.replace(form, MARK)
        return KNOWN_FORMAT.sub(MARK, text)

    def json(self, value: Any) -> Any:
        """Return JSON without secrets in strings, keys, numbers and fields that hand them out."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self._field(key, item) for key, item in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool):
            shown = str(value)
            return value if self.text(shown) == shown else MARK
        return value

    def url(self, url: str) -> str:
        """Return a URL without user and fragment, and without secrets in its path and query."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return self.text(url)
        host = parts.netloc.rpartition("@")[2]
        query = "&".join(self._pair(piece) for piece in parts.query.split("&"))
        path = without_credentials(parts.path, MARK)
        return self.text(urlunsplit((parts.scheme, host, path, query, "")))

    def request_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of a request that may be kept."""
        return {
            name: self.text(value)
            for name, value in sorted(headers.items())
            if _KEPT.fullmatch(name) and not is_secret_name(name)
        }

    def answer_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of an answer that may be kept; links in them lose their secrets."""
        return {
            name: self._answer_header(name, value)
            for name, value in sorted(headers.items())
            if name not in _NOT_KEPT and not _is_secret(name, value)
        }

    def form(self, text: str) -> str:
        """Return the text of a form without secret values."""
        pairs = parse_qsl(text, keep_blank_values=True)
        kept = (
            f"{quote(name)}={MARK if _is_secret(name, value) else quote(self.text(value))}"
            for name, value in pairs
        )
        return self.text("&".join(kept))

    def _answer_header(self, name: str, value: str) -> str:
        if name in _ADDRESSES:
            return self.url(value)
        return _LINK.sub(lambda found: f"<{self.url(found[1])}>", self.text(value))

    def _field(self, name: str, value: Any) -> Any:
        plain = name.replace("-", "").replace("_", "").lower()
        if not isinstance(value, str) or plain not in _HANDED_OUT or is_plain(value):
            return self.json(value)
        if len(value) >= SHORTEST_HANDED_OUT and value not in self._forms:
            self._forms = sorted({*self._forms, *forms_of_all([value])}, key=len, reverse=True)
        return MARK

    def _pair(self, piece: str) -> str:
        name, equals, value = piece.partition("=")
        return f"{name}={MARK}" if equals and value and _is_secret(name, value) else piece


_LINK = re.compile(r"<([a-z]+://[^<>]*)>")
_ADDRESSES = frozenset({"location", "content-location"})


def is_secret_field(name: str) -> bool:
    """Tell whether a parameter or field of this name holds a secret, and not a place in a list."""
    return is_secret_name(name) and not _PLACE_IN_A_LIST.fullmatch(name)


def _is_secret(name: str, value: str) -> bool:
    return is_secret_field(name) and not is_plain(unquote_plus(value))
