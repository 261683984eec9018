import json
from pathlib import Path

from utils.data_file import ANNOUNCED_BYTES, DataFile, data_path


def test_data_is_written_announced_and_read(tmp_path: Path) -> None:
    spool = str(tmp_path / "results.jsonl")
    heard: list[tuple[int, int]] = []
    file = DataFile(spool, lambda number, size: heard.append((number, size)))
    file.write(b'["')
    file.write(b"x" * ANNOUNCED_BYTES)
    file.write(b'"]')
    large = file.finish()
    assert heard == [(0, ANNOUNCED_BYTES + 2)]
    assert large == (data_path(spool, 0), 0, ANNOUNCED_BYTES + 4)
    assert large.read() == ["x" * ANNOUNCED_BYTES]


def test_each_file_has_a_number_of_its_own(tmp_path: Path) -> None:
    spool = str(tmp_path / "results.jsonl")
    files = [DataFile(spool, lambda *_: None) for _ in range(3)]
    assert [file.number for file in files] == [0, 1, 2]
    files[1].discard()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "results.jsonl.0",
        "results.jsonl.2",
    ]
    assert json.dumps([file.finish().size_bytes for file in (files[0], files[2])]) == "[0, 0]"
