"""One recorded HTTP exchange, and the folder of files that keeps a set of them."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from utils.base_error import TruelineError
from utils.concealed import MARK
from utils.exchange_secrets import Stripper

FORMAT = 1
LIMIT_BYTES = 8 * 1024 * 1024  # of one body
SET_CONFIG = "config.json"
LOWEST_STATUS, HIGHEST_STATUS = 100, 599
_FORM = "application/x-www-form-urlencoded"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


class ExchangeUnusable(TruelineError):  # noqa: N818 - reads as the state it reports
    """A recorded exchange cannot be read."""


class Request(NamedTuple):
    """What is sent; header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class Reply(NamedTuple):
    """What came back, with its body unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange(NamedTuple):
    """A request and its answer without secrets; bodies in the form in which files have them."""

    task: str
    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: Mapping[str, Any] | None
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    name: str = ""  # of its file

    @property
    def label(self) -> str:
        """Return how people tell it from others."""
        return f"{self.name.partition('-')[0]} {self.method} {_path_of(self.url)}".strip()

    @property
    def reply(self) -> Reply:
        """Return its answer as it came."""
        return Reply(self.status, self.headers, body_bytes(self.body))

    def as_json(self) -> dict[str, Any]:
        """Return what its file holds."""
        return {
            "format": FORMAT,
            "task": self.task,
            "request": {
                "method": self.method,
                "url": self.url,
                "headers": dict(self.request_headers),
                "body": self.request_body,
            },
            "response": {
                "status": self.status,
                "headers": dict(self.headers),
                "body": self.body,
            },
        }


def exchange_between(task: str, request: Request, reply: Reply, stripper: Stripper) -> Exchange:
    """Return what may be kept of a request and its answer."""
    return Exchange(
        task,
        request.method.upper(),
        stripper.url(request.url),
        stripper.request_headers(request.headers),
        kept_body(request.body, request.headers, stripper),
        reply.status,
        stripper.answer_headers(reply.headers),
        kept_body(reply.body, reply.headers, stripper),
    )


def kept_body(
    body: bytes | None, headers: Mapping[str, str], stripper: Stripper
) -> dict[str, Any] | None:
    """Return a body in the form in which files have it: as JSON, as text, or as base64."""
    if not body:
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        packed = base64.b64encode(body).decode()
        # What a secret was cut out of is no base64 any more: then nothing of it is kept.
        return {"base64": packed} if stripper.text(packed) == packed else {"text": MARK}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        is_form = headers.get("content-type", "").startswith(_FORM)
        return {"text": stripper.form(text) if is_form else stripper.text(text)}
    return {"json": stripper.json(value)}


def body_bytes(body: Mapping[str, Any] | None) -> bytes:
    """Return the bytes of a body."""
    if body is None:
        return b""
    if "json" in body:
        return json.dumps(body["json"], ensure_ascii=False).encode()
    if "text" in body:
        return str(body["text"]).encode()
    return base64.b64decode(body["base64"])


def comparable_url(url: str) -> str:
    """Return one form of URLs that ask for the same: people write them as they like."""
    try:
        parts = urlsplit(url)
    except ValueError:  # then it is as good as any text
        return url
    path, query = (_sent_mark(piece) for piece in (parts.path, parts.query))
    return urlunsplit((parts.scheme, parts.netloc.lower(), path or "/", query, ""))


def _sent_mark(piece: str) -> str:
    """Return a piece of a URL with what stood for a secret as it is, though a client quoted it."""
    return piece.replace(quote(MARK), MARK)


def exchange_of(fields: Any, name: str = "") -> Exchange:
    """Return the exchange that a file holds; raises ExchangeUnusable with what is wrong."""
    try:
        _check_format(_part(fields, "the file")["format"])
        request, response = (
            _part(fields["request"], "request"),
            _part(fields["response"], "response"),
        )
        exchange = Exchange(
            task=_text(fields["task"]),
            method=_text(request["method"]).upper(),
            url=_url(request["url"]),
            request_headers=_headers(request.get("headers")),
            request_body=_body(request.get("body")),
            status=_status(response["status"]),
            headers=_headers(response.get("headers")),
            body=_body(response.get("body")),
            name=name,
        )
    except KeyError as error:
        raise _unusable(name, f"it lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise _unusable(name, str(error)) from error
    return exchange


def exchange_paths(folder: Path) -> list[Path]:
    """Return the files of a folder that hold exchanges; the config of the set lies beside them."""
    return sorted(path for path in folder.glob("*.json") if path.name != SET_CONFIG)


def read_exchanges(folder: Path) -> tuple[Exchange, ...]:
    """Return the exchanges of a folder by the names of their files.

    Raises ExchangeUnusable when there is none, or one that cannot be read.
    """
    paths = exchange_paths(folder)
    if not paths:
        raise ExchangeUnusable(
            f"there is no recorded exchange in {folder}",
            "record some with `trueline run NAME --record DIR`",
        )
    return tuple(_read(path) for path in paths)


def write_exchange(folder: Path, number: int, exchange: Exchange) -> Path:
    """Write an exchange as the folder's file of that number; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(number, exchange)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(exchange.as_json(), ensure_ascii=False, indent=1) + "\n")
    beside.replace(path)
    return path


def file_name(number: int, exchange: Exchange) -> str:
    """Return a name that says what is in it: `0001-GET-repos.json`."""
    last = _NOT_IN_NAMES.sub("-", _path_of(exchange.url).rpartition("/")[2]).strip("-")
    return f"{number:04d}-{exchange.method}-{last[:40] or 'root'}.json"


def _read(path: Path) -> Exchange:
    try:
        return exchange_of(json.loads(path.read_bytes()), path.name)
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(str(path), str(error)) from error


def _unusable(name: str, why: str) -> ExchangeUnusable:
    return ExchangeUnusable(
        f"the recorded exchange {name or '(given)'} cannot be used: {why}",
        "see docs/reference/exchanges.md for its form, or record it anew",
    )


def _check_format(value: Any) -> None:
    if value != FORMAT:
        raise ValueError(f"its format is {value!r:.40}, and {FORMAT} is known")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    return value


def _part(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{name} is no JSON object, but {value!r:.60}")
    return value


def _url(value: Any) -> str:
    parts = urlsplit(_text(value))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{value!r:.80} is no URL with http:// or https:// and a host")
    return _text(value)


def _status(value: Any) -> int:
    status = int(value)
    if isinstance(value, bool) or not LOWEST_STATUS <= status <= HIGHEST_STATUS:
        raise ValueError(f"its status is {value!r:.40}, and has to be from 100 to 599")
    return status


def _headers(value: Any) -> dict[str, str]:
    return {str(name).lower(): _text(text) for name, text in _part(value or {}, "headers").items()}


def _body(value: Any) -> dict[str, Any] | None:
    is_object = value is None or isinstance(value, dict)
    if not is_object or (
        value is not None and (len(value) != 1 or not {"json", "text", "base64"} & set(value))
    ):
        raise ValueError('a body is null, {"json": ...}, {"text": ...} or {"base64": ...}')
    if value is not None and "base64" in value:
        base64.b64decode(value["base64"], validate=True)
    return None if value is None else dict(value)


def _path_of(url: str) -> str:
    return urlsplit(url).path
