"""What the two clients have in common at the library's edge: pools, requests, and its errors."""

import os
import ssl
from collections.abc import Mapping
from functools import lru_cache
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Protocol, TypedDict
from urllib.request import Request

import httpx2

from utils.http_answer import Answer, Fault
from utils.http_deadline import LATE
from utils.http_log import hush_libraries
from utils.http_order import Order, origin_of
from utils.http_unpack import ACCEPTED, Repacked, Unpacking

ERROR_BODY_BYTES = 64 * 1024  # what is read of the body of an error
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
)
_OURS = (
    httpx2.LocalProtocolError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
    UnicodeError,
)

# What sending may raise.
LIBRARY_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError)


class PoolSettings(TypedDict):
    """How a pool of connections is made; proxies come from the environment variables."""

    verify: ssl.SSLContext
    trust_env: bool
    follow_redirects: bool
    limits: httpx2.Limits
    cookies: CookieJar


class _OwnCookies(DefaultCookiePolicy):
    """Keeps cookies of one origin: another one that it redirects to can plant none for it."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self._origin = origin

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        return origin_of(request.full_url) == self._origin and super().set_ok(cookie, request)


def pool_settings(context: ssl.SSLContext | None, origin: str) -> PoolSettings:
    """Return how to make a pool of this process, for a client of this origin."""
    hush_libraries()
    return {
        "verify": authorities() if context is None else context,
        "trust_env": True,
        "follow_redirects": False,
        "limits": httpx2.Limits(
            max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0
        ),
        "cookies": CookieJar(_OwnCookies(origin)),
    }


def authorities() -> ssl.SSLContext:
    """Return whom a client trusts that was told nothing else.

    To load them takes 20 ms, and a client needs them once for itself and once for each proxy: a
    process loads them once, and again when the file that they come from has changed.
    """
    known = ssl.get_default_verify_paths()
    told = (os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return _loaded(*map(_stamp, (*told, known.openssl_cafile, known.openssl_capath)))


@lru_cache(maxsize=1)
def _loaded(*_stamps: "_Stamp") -> ssl.SSLContext:
    return httpx2.create_ssl_context()


_Stamp = tuple[str, int, int, int] | None


def _stamp(path: str | None) -> _Stamp:
    """Name a file as it is now."""
    try:
        found = os.stat(path or "")  # noqa: PTH116 - as the library has it
    except OSError:
        return None
    return path or "", found.st_ino, found.st_size, found.st_mtime_ns


def request_of(
    pool: httpx2.Client | httpx2.AsyncClient, order: Order, origin: str
) -> httpx2.Request:
    """Return the library's request; cookies go to the client's own origin alone."""
    own = {"accept-encoding": ACCEPTED, **order.headers}
    request = pool.build_request(
        order.method,
        order.url,
        headers={name.encode(): value.encode("latin-1") for name, value in own.items()},
        content=order.content,
        timeout=httpx2.Timeout(order.timeout_seconds),
    )
    if origin_of(order.url) != origin and "cookie" not in order.headers:
        request.headers.pop("cookie", None)
    return request


class Receiver(Protocol):
    """Takes an answer in."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin an answer anew."""

    def take(self, piece: bytes) -> bool:
        """Take a piece of the body; False: the rest does not matter."""

    def end(self) -> bytes:
        """Return the body."""


class TooLarge(httpx2.HTTPError):
    """The body of an answer is over the limit."""


class InMemory:
    """Keeps a body; one over the limit is an error, also once it is unpacked."""

    def __init__(self, limit_bytes: int, method: str = "GET") -> None:
        self._limit_bytes = limit_bytes
        self._has_body = method != "HEAD"  # its answer announces one that does not come
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._is_error = False

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin an answer anew; its length may tell at once that it is too large."""
        self._pieces, self._size_bytes, self._is_error = [], 0, not 200 <= status < 300
        length = headers.get("content-length", "")
        if self._has_body and not self._is_error and length.isdecimal():
            self._check(int(length))

    def take(self, piece: bytes) -> bool:
        """Take a piece; of an error only the beginning."""
        self._size_bytes += len(piece)
        self._pieces.append(piece)
        if self._is_error:
            return self._size_bytes < ERROR_BODY_BYTES
        self._check(self._size_bytes)
        return True

    def end(self) -> bytes:
        """Return the body."""
        return b"".join(self._pieces)

    def _check(self, size_bytes: int) -> None:
        if size_bytes > self._limit_bytes:
            raise TooLarge(f"the body has {size_bytes:,} bytes or more, over {self._limit_bytes:,}")


class IntoFile:
    """Writes a body to a file beside `path`, which takes its place once it is whole."""

    def __init__(self, path: Path) -> None:
        self.size_bytes = 0
        self._path = path
        self._beside = path.with_name(f".{path.name}.part")
        self._error = InMemory(ERROR_BODY_BYTES)
        self._is_error = False

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin anew: what came of an earlier attempt is forgotten."""
        self.size_bytes, self._is_error = 0, not 200 <= status < 300
        self._error.begin(400, headers)
        if not self._is_error:
            self._beside.write_bytes(b"")

    def take(self, piece: bytes) -> bool:
        """Write a piece."""
        if self._is_error:
            return self._error.take(piece)
        with self._beside.open("ab") as file:
            file.write(piece)
        self.size_bytes += len(piece)
        return True

    def end(self) -> bytes:
        """Return the body of an error; the file's own is in place."""
        if self._is_error:
            return self._error.end()
        with self._beside.open("rb") as file:
            os.fsync(file.fileno())
        self._beside.replace(self._path)
        return b""

    def discard(self) -> None:
        """Remove what was left unfinished."""
        self._beside.unlink(missing_ok=True)


class Taking:
    """Takes one answer in: its pieces as they come, unpacked, to a receiver."""

    def __init__(self, response: httpx2.Response, receiver: Receiver) -> None:
        self._status = response.status_code
        self._headers = _header_map(response)
        self._receiver = receiver
        self._is_cut_short = False
        receiver.begin(self._status, self._headers)
        self._unpacking = Unpacking(self._headers.get("content-encoding", ""))

    def take(self, raw: bytes) -> bool:
        """Take a piece of the body; False: the rest does not matter."""
        self._is_cut_short = not all(map(self._receiver.take, self._unpacking.pieces(raw)))
        return not self._is_cut_short

    def end(self) -> None:
        """Note that no more is read; raises where more had to come."""
        if not self._is_cut_short:
            self._unpacking.end()

    def answer(self) -> Answer:
        """Return the answer, read as far as it matters."""
        return Answer(self._status, self._headers, self._receiver.end())


def _header_map(response: httpx2.Response) -> dict[str, str]:
    """Return the headers by lower-case name; those that came twice are joined by commas."""
    return {name.lower(): value for name, value in response.headers.items()}


def fault_of(error: Exception, order: Order) -> Fault:
    """Return what an error of the library means."""
    if isinstance(error, _OURS):
        return _unsendable(error)
    if isinstance(error, TooLarge):
        return Fault(str(error), "ask for less, or download it to a file", permanent=True)
    if isinstance(error, Repacked):
        advice = f"have the server send it as it is, or packed as {ACCEPTED}"
        return Fault(str(error), advice, permanent=True)
    if isinstance(error, httpx2.ProxyError):
        return _proxy_fault(str(error))
    untouched = isinstance(error, _NEVER_SENT)
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return _late(error, order, untouched=untouched)
    name = type(error).__name__
    return Fault(f"{name}: {error}" if str(error) else name, untouched=untouched)


def _unsendable(error: Exception) -> Fault:
    if isinstance(error, UnicodeError):
        return Fault("its host is no name that can be looked up", "see the URL", True, True)
    # Its text may quote a header.
    reason = f"the request cannot be sent ({type(error).__name__})"
    return Fault(reason, "see its URL and headers", True, True)


def _late(error: Exception, order: Order, *, untouched: bool) -> Fault:
    if isinstance(error, TimeoutError) or str(error) == LATE:
        return Fault(f"{LATE} within {order.whole_seconds:g} s")
    doing = "no connection" if untouched else "no answer"
    within = f"{doing} within {order.timeout_seconds:g} s ({type(error).__name__})"
    return Fault(within, untouched=untouched)


def _proxy_fault(said: str) -> Fault:
    refused = said.startswith(("403", "407"))
    advice = "name the host in `hosts` of the integration's entry in integrations.json"
    return Fault(f"the proxy refused: {said}", advice if refused else "", True, refused)
