"""Compressed bodies: those of requests inflated within bounds, those of answers made smaller."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from flask import Flask, Response, request
from werkzeug.wsgi import get_input_stream

from api.editions import CODED
from api.problems import BadRequest, TooLarge, UnsupportedMedia
from utils.zstd import Inflating, ZstdCompressor, ZstdError

LEAST_BYTES = 1024  # smaller answers are sent as they are
READ_BYTES = 64 * 1024
GZIP_LEVEL = 1
CODINGS = ("zstd", "gzip")  # the better one first
COMPRESSIBLE = frozenset({"application/json", "application/problem+json", "text/html"})


class Inflate(Protocol):
    """Compressed bytes in, pieces of bounded size out."""

    @property
    def is_whole(self) -> bool:
        """Whether the end has been reached, and nothing follows it."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk holds."""


class Gunzip:
    """Inflates one gzip stream."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def is_whole(self) -> bool:
        """Whether the end has been reached, and nothing follows it."""
        return self._stream.eof and not self._stream.unused_data

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk holds."""
        while chunk and not self._stream.eof:
            yield self._stream.decompress(chunk, READ_BYTES)
            chunk = self._stream.unconsumed_tail


class Plain:
    """What was not compressed."""

    is_whole = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield it as it is."""
        yield chunk


class BoundedBody(io.RawIOBase):
    """A request's body as it was before it was compressed; nothing is inflated before it is read.

    Raises TooLarge for more than the route takes, be it compressed or inflated.
    """

    def __init__(self, compressed: Any, inflate: Inflate, most_bytes: int) -> None:
        self._compressed = compressed
        self._inflate = inflate
        self._most_bytes = most_bytes
        self._pieces = self._inflated()
        self._waiting = b""

    def readable(self) -> bool:
        """Say that it is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as there is something."""
        while not self._waiting:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._waiting = piece
        size = min(len(buffer), len(self._waiting))
        buffer[:size] = self._waiting[:size]
        self._waiting = self._waiting[size:]
        return size

    def _inflated(self) -> Iterator[bytes]:
        compressed_bytes = size_bytes = 0
        try:
            while chunk := self._compressed.read(READ_BYTES):
                compressed_bytes += len(chunk)
                for piece in self._inflate.feed(chunk):
                    size_bytes += len(piece)
                    self._check(size_bytes)
                    yield piece
                self._check(compressed_bytes)
        except (zlib.error, ZstdError) as error:
            raise _broken() from error
        if not self._inflate.is_whole:
            raise _broken()

    def _check(self, size_bytes: int) -> None:
        if size_bytes > self._most_bytes:
            raise TooLarge(
                f"the body has more than the {self._most_bytes} bytes that this route takes",
                "send less at once",
            )


_INFLATE: dict[str, Callable[[], Inflate]] = {"zstd": Inflating, "gzip": Gunzip, "x-gzip": Gunzip}


def compress_bodies(app: Flask) -> None:
    """Take compressed requests and compress answers; the guard has said what a body may have."""
    app.before_request(_take_compressed)
    app.after_request(_compress)


def _take_compressed() -> None:
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    is_plain = coding in {"", "identity"}
    if is_plain and "CONTENT_LENGTH" in request.environ:
        return  # its size has been checked
    if not is_plain and coding not in _INFLATE:
        raise UnsupportedMedia(
            "the body has a Content-Encoding that is not known here",
            f"send it plain, or compressed once with one of {', '.join(CODINGS)}",
        )
    environ = request.environ
    most_bytes = request.max_content_length or 0
    inflate = Plain() if is_plain else _INFLATE[coding]()
    # (Werkzeug cuts off what goes beyond its own limit, and says nothing.)
    compressed = get_input_stream(environ, max_content_length=most_bytes + 1)
    environ["wsgi.input"] = BoundedBody(compressed, inflate, most_bytes)
    environ["wsgi.input_terminated"] = True
    request.max_content_length = most_bytes + 1
    for name in ("CONTENT_LENGTH", "HTTP_CONTENT_ENCODING"):
        environ.pop(name, None)


def _compress(response: Response) -> Response:
    if response.mimetype not in COMPRESSIBLE or response.is_streamed:
        return response
    response.vary.add("Accept-Encoding")
    if "Content-Encoding" in response.headers or len(response.get_data()) < LEAST_BYTES:
        return response
    coding = request.accept_encodings.best_match(CODINGS)
    if coding is None:
        return response
    content = response.get_data()
    response.set_data(
        ZstdCompressor().compress(content, ZstdCompressor.FLUSH_FRAME)
        if coding == "zstd"
        else gzip.compress(content, GZIP_LEVEL, mtime=0)
    )
    response.headers["Content-Encoding"] = coding
    tag, _ = response.get_etag()
    if tag is not None:
        response.set_etag(f"{tag}{CODED}{coding}")
    return response


def _broken() -> BadRequest:
    return BadRequest(
        "the body is not what its Content-Encoding says", "send all of one compressed stream"
    )
