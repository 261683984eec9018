"""Unpacks the body of an answer piece by piece, so that a small one cannot fill the memory."""

import zlib
from collections.abc import Iterator

import httpx2

ACCEPTED = "gzip"  # one way that is everywhere; what others unpack to has no bound per piece
PIECE_BYTES = 1024 * 1024
_EITHER_HEADER = 32 + zlib.MAX_WBITS  # of gzip or zlib, whichever it has


class Repacked(httpx2.HTTPError):
    """A body is packed in a way that was not asked for."""


class Unpacking:
    """The body of one answer; raises errors of the library."""

    def __init__(self, encoding: str) -> None:
        ways = [way for way in encoding.lower().replace(" ", "").split(",") if way != "identity"]
        if ways not in ([], [""], ["gzip"], ["x-gzip"], ["deflate"]):
            raise Repacked(f"the body is packed as {encoding[:80]!r}")
        self._is_packed = bool(ways) and ways != [""]
        self._member = zlib.decompressobj(_EITHER_HEADER)
        self._has_begun = False

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        """Yield what a piece of the body holds, at most a MiB at a time."""
        if not self._is_packed:
            yield raw
            return
        while raw:
            if self._member.eof:  # another member follows
                self._member = zlib.decompressobj(_EITHER_HEADER)
            self._has_begun = True
            try:
                piece = self._member.decompress(raw, PIECE_BYTES)
            except zlib.error as error:
                raise httpx2.DecodingError(f"the body cannot be unpacked: {error}") from error
            raw = self._member.unconsumed_tail or self._member.unused_data
            if piece:
                yield piece

    def end(self) -> None:
        """Raise when the body was cut off: a connection that closes may be its only end."""
        if self._has_begun and not self._member.eof:
            raise httpx2.DecodingError("the body was cut off: what is packed has no end")
