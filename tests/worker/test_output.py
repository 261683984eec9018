from worker.output import BATCH_BYTES, BATCH_SECONDS, CapturedStream
from worker.redaction import Redactor


def captured(chunks: list[bytes], limit_bytes: int = 1000, secret: str = "") -> str:
    stream = CapturedStream("stdout", limit_bytes, Redactor([secret]))
    for chunk in chunks:
        stream.feed(chunk)
    stream.end_child()
    return "".join(stream.batches(0, final=True))


def test_characters_and_line_ends_split_between_chunks_are_whole() -> None:
    data = "grün\r\n日本\n".encode()
    assert captured([bytes([byte]) for byte in data]) == "grün\n日本\n"


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert captured([b"\xffa\xc3"]) == "\ufffda\ufffd"


def test_output_at_the_limit_is_whole_and_beyond_it_is_cut_with_a_mark() -> None:
    assert captured([b"x" * 10], 10) == "x" * 10
    assert captured([b"x" * 10, b"y"], 10) == "x" * 10 + "\n[output cut at 10 bytes]\n"
    assert captured([b"x" * 11, b"y"], 10) == "x" * 10 + "\n[output cut at 10 bytes]\n"


def test_secret_across_the_limit_leaves_no_part() -> None:
    assert "sec" not in captured([b"12345678secret-word"], 10, "secret-word")


def test_secret_in_pieces_is_marked() -> None:
    assert captured([b"a se", b"cret", b"-word b"], secret="secret-word") == "a *** b"


def test_limit_counts_over_all_children_of_a_job() -> None:
    stream = CapturedStream("stdout", 10, Redactor([]))
    for _ in range(3):
        stream.feed(b"123456")
        stream.end_child()
    assert "".join(stream.batches(0, final=True)) == "1234561234\n[output cut at 10 bytes]\n"


def test_batches_come_at_their_pace_and_no_larger_than_allowed() -> None:
    stream = CapturedStream("stdout", 1_000_000, Redactor([]))
    assert stream.next_batch_at() is None
    stream.feed("zeile ü\n".encode() * 10_000)
    first = stream.batches(100.0)
    assert len(first) == 1
    assert len(first[0].encode()) <= BATCH_BYTES
    assert first[0].endswith("\n")
    assert stream.next_batch_at() == 100.0 + BATCH_SECONDS
    assert stream.batches(100.1) == []
    assert len(stream.batches(100.3)) == 1
    rest = stream.batches(100.3, final=True)
    assert all(len(text.encode()) <= BATCH_BYTES for text in rest)
    assert stream.next_batch_at() is None


def test_line_longer_than_a_batch_is_split() -> None:
    text = "ü" * BATCH_BYTES
    stream = CapturedStream("stdout", 1_000_000, Redactor([]))
    stream.feed(text.encode())
    batches = stream.batches(0, final=True)
    assert len(batches) == 2
    assert "".join(batches) == text
