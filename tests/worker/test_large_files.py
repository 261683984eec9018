from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from utils.zstd import Inflating
from worker.large_files import Attempt, LargeFiles

A, B = Attempt("job-a", 1), Attempt("../b", 2)


def put(files: LargeFiles, attempt: Attempt, text: bytes = b"[1]") -> str:
    file = files.new(attempt)
    file.write(text)
    return file.finish().sha256


def test_a_finished_file_is_named_for_what_it_holds(tmp_path: Path) -> None:
    files = LargeFiles(tmp_path / "large")
    file = files.new(A)
    file.write(b"[1,")
    file.write(b"2]")
    data = file.finish()
    content = files.path(A, data.sha256).read_bytes()
    assert data.as_json() == {
        "sha256": sha256(content).hexdigest(),
        "size_bytes": 5,
        "stored_bytes": len(content),
    }
    assert b"".join(Inflating().feed(content)) == b"[1,2]"
    assert files.path(A, data.sha256).stat().st_mode & 0o777 == 0o600
    file.discard()
    assert files.path(A, data.sha256).exists()


def test_nothing_is_left_of_what_was_discarded_or_removed(tmp_path: Path) -> None:
    files = LargeFiles(tmp_path / "large")
    files.new(A).discard()
    files.remove(A, put(files, A))
    put(files, B)
    files.remove_all(B)
    files.remove_all(B)
    assert list((tmp_path / "large").iterdir()) == []


def test_an_attempt_stays_inside_whatever_its_job_is_called(tmp_path: Path) -> None:
    files = LargeFiles(tmp_path / "large")
    put(files, B)
    assert len(list((tmp_path / "large").glob("*/*"))) == 1


def test_sweep_keeps_what_reports_speak_of_and_removes_half_made_files(tmp_path: Path) -> None:
    files = LargeFiles(tmp_path / "large")
    kept = put(files, A)
    half = files.new(A)
    put(files, B)
    assert len(files.sweep([A])) == 1
    assert [path.name for path in (tmp_path / "large").glob("*/*")] == [kept]
    assert LargeFiles(tmp_path / "none").sweep([]) == []
    half.discard()


def test_a_file_begins_though_the_folder_of_its_attempt_is_removed_just_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = LargeFiles(tmp_path)
    make = Path.mkdir

    def make_and_lose(folder: Path, *how: Any, **more: Any) -> None:
        make(folder, *how, **more)
        folder.rmdir()
        monkeypatch.setattr(Path, "mkdir", make)

    monkeypatch.setattr(Path, "mkdir", make_and_lose)
    assert files.path(A, put(files, A)).exists()
