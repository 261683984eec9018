"""One HTTP request as its caller wants it, and the base URL that it is made for."""

import base64
import json as json_text
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, NamedTuple, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from utils.concealed import (
    SHORTEST_QUERY_VALUE,
    concealed,
    is_secret_name,
    shown_url,
    url_secrets,
)
from utils.integration_errors import IntegrationNotConfigured, IntegrationPermanentError
from utils.plain_values import is_plain

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
Body = Mapping[str, Any] | bytes | str

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
IDEMPOTENCY_KEY = "idempotency-key"
PUBLIC_HEADERS = frozenset(  # what may go to another host after a redirect
    {"accept", "accept-language", "content-type", "user-agent"}
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PORTS = {"http": 80, "https": 443}
_SEARCHED_BYTES = 64 * 1024  # of a request's body; who logs in sends less


class Order(NamedTuple):
    """One request, complete; it is sent as often as the rules allow."""

    method: str
    url: str  # absolute, without credentials
    headers: Mapping[str, str]  # by lower-case name
    content: bytes | None
    timeout_seconds: float  # for a connection, and between two pieces of the answer
    repeatable: bool  # whether to do it twice is to do it once
    as_is: bool = False  # whatever the answer says is what the caller asked for
    whole_seconds: float = float("inf")  # for one attempt as a whole

    @property
    def shown(self) -> str:
        """Return what is told of it in errors: the method and the URL without secrets."""
        address = shown_url(self.url).partition("?")[0]
        return f"{self.method} {concealed(address, self.secrets)}"

    @property
    def secrets(self) -> list[str]:
        """Return the values in it that must never be shown; servers quote what they got."""
        return secrets_of(self.headers, self.url) + _secrets_in(self.content)

    def redirected(self, status: int, url: str) -> "Order":
        """Return the request that follows a redirect; another origin gets no credentials."""
        method, content, headers = self.method, self.content, dict(self.headers)
        if (status == 303 and method != "HEAD") or (status in {301, 302} and method == "POST"):
            method, content = "GET", None
            headers.pop("content-type", None)
        if origin_of(url) != origin_of(self.url):
            headers = {name: value for name, value in headers.items() if name in PUBLIC_HEADERS}
        return self._replace(method=method, url=url, content=content, headers=headers)


class Endpoint(NamedTuple):
    """A base URL, taken apart."""

    origin: str
    path: str  # without a slash at its end
    query: str
    user: str | None  # `name:password`, where the URL had them
    slash: str = ""  # at the end of the path

    @classmethod
    def read(cls, base_url: str) -> Self:
        """Read a base URL; raises IntegrationNotConfigured when it is none."""
        parts = _parts(base_url.strip())
        if parts is None or parts.scheme not in _PORTS or not parts.hostname:
            raise IntegrationNotConfigured(
                f"{shown_url(base_url)!r} is no base URL",
                "write it like https://api.example.com/v1",
            )
        user = None
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        path = parts.path.rstrip("/")
        slash = "/" if path and parts.path.endswith("/") else ""
        return cls(_origin(parts), path, parts.query, user, slash)

    @property
    def url(self) -> str:
        """Return it without credentials and query."""
        return self.origin + self.path

    @property
    def authorization(self) -> dict[str, str]:
        """Return the header that says the user of the URL."""
        if self.user is None:
            return {}
        return {"authorization": f"Basic {base64.b64encode(self.user.encode()).decode()}"}

    def address(self, path: str, params: Params | None = None) -> str:
        """Return the URL of a path below this one, or of an absolute URL of the same origin.

        Another origin is refused: it would get the credentials that are meant for this one.
        """
        place, _, query = path.partition("#")[0].partition("?")
        if _ABSOLUTE.match(place):
            place = self._own(place)
        else:
            below = place.lstrip("/")
            place = f"{self.url}/{below}" if below else self.url + self.slash
        if ".." in re.split(r"[/\\]", unquote(place)):
            raise IntegrationPermanentError(
                f"the path {shown_url(path)!r} leads upwards", "quote what goes into a path"
            )
        own = "&".join(piece for piece in (query, query_text(params)) if piece)
        whole = "&".join(piece for piece in (*self._missing_in(own), own) if piece)
        return f"{place}?{whole}" if whole else place

    def _missing_in(self, query: str) -> list[str]:
        """Return what the base URL's query has and this one lacks; a next page's may have it."""
        names = {piece.partition("=")[0] for piece in query.split("&")}
        return [piece for piece in self.query.split("&") if piece.partition("=")[0] not in names]

    def _own(self, url: str) -> str:
        parts = _parts(url)
        if parts is None or _origin(parts) != self.origin:
            raise IntegrationPermanentError(
                f"{shown_url(url)!r} is not at {self.origin}",
                "make a client with that base URL: this one's credentials are for its own host",
            )
        return self.origin + parts.path


def query_text(params: Params | None) -> str:
    """Return parameters as the text of a query: None is left out, a list is repeated."""
    pairs = params.items() if isinstance(params, Mapping) else (params or ())
    return urlencode([(name, _plain(one)) for name, value in pairs for one in _each(value)])


def encoded_body(json: Any, data: Body | None) -> tuple[bytes | None, dict[str, str]]:
    """Return the body of a request and the header that tells its type."""
    if json is not None:
        text = json_text.dumps(json, ensure_ascii=False, allow_nan=False)
        return text.encode(), {"content-type": "application/json"}
    if isinstance(data, Mapping):
        form = {"content-type": "application/x-www-form-urlencoded"}
        return query_text(data).encode(), form
    return (data.encode() if isinstance(data, str) else data), {}


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, in one form for all that mean the same."""
    return _origin(urlsplit(url))


def secrets_of(headers: Mapping[str, str], url: str) -> list[str]:
    """Return the values of headers and a URL that must never be shown."""
    found = url_secrets(url)
    for name, value in headers.items():
        if name in PUBLIC_HEADERS or not is_secret_name(name):
            continue
        found += [] if is_plain(value) else [value, value.partition(" ")[2].strip()]
        found += _parameters(value)
        if value.lower().startswith("basic "):
            found += _user_of(value[6:])
    return found


def _parameters(value: str) -> list[str]:
    """Return the values in a header such as `Token token="..."` or a cookie."""
    named = (piece.partition("=")[2].strip(' "') for piece in re.split("[,;]", value))
    return [one for one in named if len(one) >= SHORTEST_QUERY_VALUE and not is_plain(one)]


def _secrets_in(content: bytes | None) -> list[str]:
    """Return the values of a JSON or form body whose names, or those around them, say secret."""
    if not content or len(content) > _SEARCHED_BYTES:
        return []
    try:
        body = json_text.loads(content)
    except (ValueError, RecursionError):
        body = dict(parse_qsl(content.decode("utf-8", "replace")))
    found, pending = [], [(False, body)]
    while pending:
        is_secret, value = pending.pop()
        if isinstance(value, dict):
            pending += [(is_secret or is_secret_name(name), one) for name, one in value.items()]
        elif isinstance(value, list):
            pending += [(is_secret, one) for one in value]
        elif is_secret and isinstance(value, str) and not is_plain(value):
            found.append(value)
    return found


def _user_of(encoded: str) -> list[str]:
    try:
        user = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return []
    return [user, user.partition(":")[2]]


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _origin(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _each(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple | set | frozenset) else (value,)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value.value) if isinstance(value, Enum) else str(value)
