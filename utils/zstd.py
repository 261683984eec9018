"""Zstandard for streams, from Python's own library where that has it."""

import sys
from collections.abc import Iterator

if sys.version_info >= (3, 14):
    from compression.zstd import (
        CompressionParameter,
        ZstdCompressor,
        ZstdDecompressor,
        ZstdError,
        ZstdFile,
    )
else:
    from backports.zstd import (
        CompressionParameter,
        ZstdCompressor,
        ZstdDecompressor,
        ZstdError,
        ZstdFile,
    )

__all__ = ["CompressionParameter", "Inflating", "ZstdCompressor", "ZstdError", "ZstdFile"]
INFLATED_BYTES = 256 * 1024  # at a time


class Inflating:
    """Compressed bytes in, pieces of bounded size out."""

    def __init__(self) -> None:
        self._decompressor = ZstdDecompressor()

    @property
    def is_whole(self) -> bool:
        """Whether the end has been reached, and nothing follows it."""
        return self._decompressor.eof and not self._decompressor.unused_data

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk holds."""
        if self._decompressor.eof:
            raise ZstdError("something follows its end")
        piece = self._decompressor.decompress(chunk, INFLATED_BYTES)
        while piece:
            yield piece
            if self._decompressor.needs_input or self._decompressor.eof:
                return
            piece = self._decompressor.decompress(b"", INFLATED_BYTES)
