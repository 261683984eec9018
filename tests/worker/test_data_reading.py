import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from utils.pieces import write_pieces
from utils.zstd import Inflating
from worker.data_lines import Unsound
from worker.data_reading import BLOCK_BYTES, CannotKeep, DataReading
from worker.large_files import Attempt, LargeFiles
from worker.redaction import Redactor

A = Attempt("job", 1)
SECRET = "correct horse battery staple"


@pytest.fixture
def files(tmp_path: Path) -> LargeFiles:
    return LargeFiles(tmp_path / "large")


@pytest.fixture
def reading(tmp_path: Path, files: LargeFiles) -> Callable[..., DataReading]:
    def make(content: bytes, limit: int = 1 << 30, line_bytes: int = 4096) -> DataReading:
        path = tmp_path / "results.jsonl.0"
        path.write_bytes(content)
        return DataReading(str(path), Redactor([SECRET]), limit, files.new(A), line_bytes)

    return make


def kept(files: LargeFiles, sha256: str) -> Any:
    return json.loads(b"".join(Inflating().feed(files.path(A, sha256).read_bytes())))


def text_of(value: Any) -> bytes:
    pieces: list[bytes] = []
    write_pieces(value, "data", 1 << 40, pieces.append, 500)
    return b"".join(pieces)


def test_a_file_is_read_while_it_grows(
    reading: Callable[..., DataReading], files: LargeFiles, tmp_path: Path
) -> None:
    value = {"items": [{"n": n, "text": "x" * (n % 90)} for n in range(2000)]}
    text = text_of(value)
    one = reading(b"")
    with (tmp_path / "results.jsonl.0").open("ab") as file:
        for at in range(0, len(text), 7777):
            file.write(text[at : at + 7777])
            file.flush()
            one.read_to(min(at + 7777, len(text)))
    data = one.finish(len(text))
    one.close()
    assert (data.size_bytes, kept(files, data.sha256)) == (len(text), value)
    assert [path.name for path in (tmp_path / "large").glob("*/*")] == [data.sha256]


def test_a_long_text_passes_with_its_secrets_taken_out(
    reading: Callable[..., DataReading], files: LargeFiles
) -> None:
    log = ("line " * 999 + SECRET) * 20
    text = text_of({"before": 1, "log": log, "after": [log, 2]})
    one = reading(text)
    data = one.finish(len(text))
    clean = log.replace(SECRET, "***")
    assert kept(files, data.sha256) == {"before": 1, "log": clean, "after": [clean, 2]}
    one.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no end"),
        (b"[\n1\n]", "no end"),
        (b"[\n1\n", "no end"),
        (b"\0" * 9000, "too long"),
        (b"\0\n" * 9, "neither"),
        (b"[\n" + b"1" * 9000, "too long"),
        (b'{\n"a' + b"a" * 9000, "without a key"),
        (b'[\n"' + b"a" * 9000 + b'",2\n]\n', "follows a long text"),
        (b'[\n"' + b"a" * 9000, "has no end|no end"),
        (b'[\n"' + b"a" * 9000 + b"\\ud800 and more text" + b'"\n]\n', "cannot be read"),
    ],
)
def test_what_cannot_be_recorded_is_told_at_the_end_and_leaves_nothing(
    reading: Callable[..., DataReading], tmp_path: Path, content: bytes, reason: str
) -> None:
    one = reading(content)
    one.read_to(len(content))
    with pytest.raises(Unsound, match=reason):
        one.finish(len(content))
    one.close()
    assert list((tmp_path / "large").glob("*")) == []


def test_a_file_over_the_limit_is_refused_with_both_numbers(
    reading: Callable[..., DataReading],
) -> None:
    text = text_of(["x" * 100] * 100)
    one = reading(text, 5000)
    with pytest.raises(Unsound, match="more than the limit of 5,000 bytes"):
        one.finish(len(text))
    one.close()


def test_a_file_that_is_shorter_than_its_child_says_is_refused(
    reading: Callable[..., DataReading],
) -> None:
    one = reading(b"[\n]\n")
    with pytest.raises(Unsound, match="shorter"):
        one.finish(99)
    one.close()


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to("/etc/hostname"), os.mkdir]
)
def test_what_is_no_file_is_neither_followed_nor_waited_for(
    tmp_path: Path, files: LargeFiles, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "results.jsonl.0"
    make(path)
    one = DataReading(str(path), Redactor([]), 1000, files.new(A))
    one.read_to(10)
    with pytest.raises(Unsound, match="cannot be read"):
        one.finish(10)
    one.close()


def test_a_full_disk_is_told_apart_from_bad_data(tmp_path: Path, files: LargeFiles) -> None:
    path = tmp_path / "results.jsonl.0"
    path.write_bytes(text_of(list(range(100_000))))
    file = files.new(A)
    file._file.close()
    file._file = open("/dev/full", "wb")  # noqa: PTH123, SIM115 - a disk without room
    one = DataReading(str(path), Redactor([]), 1 << 30, file)
    with pytest.raises(CannotKeep, match="No space left"):
        one.finish(path.stat().st_size)
    one.close()


def test_short_lines_without_end_are_refused(reading: Callable[..., DataReading]) -> None:
    one = reading(b"[\n1\n" + b",1\n" * 5000 + b"]\n")
    one.read_to(4 + 3 * 5000)
    with pytest.raises(Unsound, match="too many short lines"):
        one.finish(4 + 3 * 5000 + 2)
    one.close()


def test_reading_stops_between_two_blocks_once_it_is_over_and_can_go_on(
    files: LargeFiles, tmp_path: Path
) -> None:
    text = text_of(["x" * 1000] * 2000)
    path = tmp_path / "file"
    path.write_bytes(text)
    large = files.new(Attempt("job", 1))
    one = DataReading(str(path), Redactor([]), len(text), large)
    looks = iter([False, False, True])
    one.read_to(len(text), lambda: next(looks))
    assert one.read_bytes == 2 * BLOCK_BYTES
    assert one.finish(len(text)).size_bytes == len(text)
    one.close()
