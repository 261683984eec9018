import pytest

from utils.zstd import INFLATED_BYTES, Inflating, ZstdCompressor, ZstdError


def compressed(data: bytes) -> bytes:
    compressor = ZstdCompressor(level=1)
    return compressor.compress(data) + compressor.flush()


def test_pieces_are_bounded_however_much_a_chunk_inflates_to() -> None:
    inflating = Inflating()
    sizes = [len(piece) for piece in inflating.feed(compressed(b"a" * 3_000_000))]
    assert sum(sizes) == 3_000_000
    assert max(sizes) <= INFLATED_BYTES
    assert inflating.is_whole


def test_chunks_may_be_cut_anywhere() -> None:
    data = bytes(range(256)) * 40
    packed = compressed(data)
    inflating = Inflating()
    pieces = [piece for byte in packed for piece in inflating.feed(bytes([byte]))]
    assert b"".join(pieces) == data
    assert inflating.is_whole


def test_half_a_frame_is_not_whole_and_more_than_one_is_an_error() -> None:
    packed = compressed(b"abc")
    half = Inflating()
    list(half.feed(packed[:-3]))
    assert not half.is_whole
    whole = Inflating()
    list(whole.feed(packed + b"more"))
    assert not whole.is_whole
    with pytest.raises(ZstdError):
        list(whole.feed(b"still more"))
