"""What packed bodies may hold, cut anywhere."""

import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import httpx2
import pytest

from utils.errors import IntegrationPermanentError, IntegrationTemporaryError
from utils.http_unpack import PIECE_BYTES, Repacked, Unpacking

if TYPE_CHECKING:
    from tests.remote import Asker, Raw

TEXT = b"all of it " * 1000


def unpacked(encoding: str, body: bytes, size: int) -> bytes:
    unpacking, found = Unpacking(encoding), b""
    for at in range(0, len(body), size):
        found += b"".join(unpacking.pieces(body[at : at + size]))
    unpacking.end()
    return found


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("X-GZip", gzip.compress(TEXT[:77]) + gzip.compress(TEXT[77:])),
        ("deflate", zlib.compress(TEXT)),
    ],
)
def test_bodies_come_whole_however_they_are_cut(encoding: str, body: bytes, size: int) -> None:
    assert unpacked(encoding, body, size) == TEXT


def test_a_bomb_comes_in_pieces() -> None:
    bomb = gzip.compress(bytes(64 * PIECE_BYTES))
    tracemalloc.start()
    pieces = [len(piece) for piece in Unpacking("gzip").pieces(bomb)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(pieces) == 64 * PIECE_BYTES
    assert max(pieces) <= PIECE_BYTES
    assert peak < 4 * PIECE_BYTES


def test_a_packed_body_that_was_cut_off_is_told() -> None:
    with pytest.raises(httpx2.DecodingError, match="cut off"):
        unpacked("gzip", gzip.compress(TEXT)[:-9], 100)
    assert unpacked("gzip", b"", 1) == b""


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate, gzip", "nonsense"])
def test_other_ways_are_refused(encoding: str) -> None:
    with pytest.raises(Repacked):
        Unpacking(encoding)


def test_a_body_that_only_the_end_of_its_connection_ends_is_not_taken_for_whole(
    ask: "Asker", raw: "Raw"
) -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    raw.answers(head + gzip.compress(b"[1, 2]"))
    assert ask(raw.url, "get", "/") == [1, 2]
    raw.answers(head + gzip.compress(TEXT)[:-12])
    with pytest.raises(IntegrationTemporaryError, match="cut off"):
        ask(raw.url, "request_bytes", "GET", "/")


def test_a_bomb_within_a_bomb_is_not_unpacked(ask: "Asker", raw: "Raw") -> None:
    bomb = gzip.compress(gzip.compress(bytes(64 * PIECE_BYTES)))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    raw.answers(head.encode() + bomb)
    with pytest.raises(IntegrationPermanentError, match="packed as 'gzip, gzip'"):
        ask(raw.url, "get", "/")
    assert b"gzip" in raw.heads[0]
    assert b"zstd" not in raw.heads[0]
