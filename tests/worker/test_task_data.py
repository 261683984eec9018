import json
from pathlib import Path

import pytest

from utils.data_file import ANNOUNCED_BYTES, DataFile, LargeData
from worker.child_events import DataWritten, TaskResult, WrittenData
from worker.data_lines import Unsound
from worker.data_reading import CannotKeep
from worker.job_order import JobOrder, Limits
from worker.large_files import LargeFiles
from worker.redaction import Redactor
from worker.task_data import TaskData

LIMITS = Limits(5, 10, 512, 8 * ANNOUNCED_BYTES, 1024)
BULK = b'[\n"' + b"x" * 3 * ANNOUNCED_BYTES + b'"\n]\n'
ORDER = JobOrder("job", 1, "name", {})


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


@pytest.fixture
def files(tmp_path: Path) -> LargeFiles:
    return LargeFiles(tmp_path / "large")


@pytest.fixture
def data(spool: Path, files: LargeFiles) -> TaskData:
    return TaskData(ORDER, LIMITS, spool, Redactor([]), files)


def written(spool: Path, text: bytes) -> LargeData:
    file = DataFile(str(spool), lambda *_: None)
    file.write(text)
    return file.finish()


def result(large: LargeData | None) -> TaskResult:
    said = None if large is None else WrittenData(file=large.number, size_bytes=large.size_bytes)
    return TaskResult(
        name="t", title="T", type="collector", status="success", duration_seconds=1, large=said
    )


def announced(file: int, size_bytes: int) -> DataWritten:
    return DataWritten(type="data_written", task="t", file=file, size_bytes=size_bytes)


def names(files: LargeFiles) -> list[str]:
    return [path.name for path in files.directory.glob("*/*")]


def test_a_file_that_was_announced_is_kept_and_forgotten_on_demand(
    spool: Path, data: TaskData, files: LargeFiles
) -> None:
    large = written(spool, BULK)
    assert data.read(announced(0, ANNOUNCED_BYTES))
    told = data.kept(result(large))
    assert told["large_data"]["size_bytes"] == len(BULK)
    assert names(files) == [told["large_data"]["sha256"]]
    data.forget(json.loads(json.dumps(told)))
    assert names(files) == []


def test_a_result_without_large_data_drops_what_was_begun(
    spool: Path, data: TaskData, files: LargeFiles
) -> None:
    written(spool, BULK)
    data.read(announced(0, ANNOUNCED_BYTES))
    assert len(names(files)) == 1
    assert data.kept(result(None)) == {}
    assert names(files) == []


def test_another_file_replaces_the_one_before(
    spool: Path, data: TaskData, files: LargeFiles
) -> None:
    written(spool, BULK)
    large = written(spool, b"{\n}\n")
    data.read(announced(0, ANNOUNCED_BYTES))
    assert data.kept(result(large))["large_data"]["size_bytes"] == 4
    assert len(names(files)) == 1


def test_data_that_cannot_be_recorded_leaves_nothing(
    spool: Path, data: TaskData, files: LargeFiles
) -> None:
    with pytest.raises(Unsound):
        data.kept(result(written(spool, b"[\nNaN\n]\n")))
    with pytest.raises(Unsound, match="cannot be read"):
        data.kept(result(LargeData("", 7, 9)))
    assert names(files) == []


def test_without_room_for_the_file_the_job_is_told(spool: Path, tmp_path: Path) -> None:
    (tmp_path / "large").write_text("a file where the folder should be")
    data = TaskData(ORDER, LIMITS, spool, Redactor([]), LargeFiles(tmp_path / "large"))
    with pytest.raises(CannotKeep):
        data.kept(result(written(spool, b"[\n]\n")))


def test_announcements_that_lead_on_by_little_or_to_another_file_are_refused(
    spool: Path, data: TaskData
) -> None:
    written(spool, BULK)
    written(spool, BULK)
    assert not data.read(announced(0, ANNOUNCED_BYTES - 1))
    assert data.read(announced(0, ANNOUNCED_BYTES))
    assert not data.read(announced(0, ANNOUNCED_BYTES))
    assert not data.read(announced(0, ANNOUNCED_BYTES + 1))
    assert not data.read(announced(1, 2 * ANNOUNCED_BYTES))
    assert data.read(announced(0, 2 * ANNOUNCED_BYTES))
    data.drop()  # the task has ended
    assert data.read(announced(1, ANNOUNCED_BYTES))
    data.drop()


def test_nothing_is_read_of_a_child_that_has_to_end(spool: Path, data: TaskData) -> None:
    large = written(spool, BULK)
    data.is_over = lambda: True
    assert data.read(announced(0, ANNOUNCED_BYTES))
    assert data.kept(result(large))["large_data"]["size_bytes"] == len(BULK)
