import subprocess
import sys
from pathlib import Path

import pytest

from api.archive import ArchiveError, new_archive, read_archive


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "b.backup"
    with new_archive(path) as archive:
        archive.add("one", b"1" * 100_000)
        archive.add("rows/t/0.jsonl", bytes(range(256)) * 400)
    return path


def test_parts_come_back_in_order_from_a_file_of_ones_own(file: Path) -> None:
    parts = list(read_archive(file))
    assert parts == [("one", b"1" * 100_000), ("rows/t/0.jsonl", bytes(range(256)) * 400)]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_error_leaves_no_file_and_the_one_of_before(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(TypeError), new_archive(file) as archive:
        archive.add("one", None)  # type: ignore[arg-type]  # the error that is meant
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


KILLED = """
import os, signal, sys
from pathlib import Path
from api.archive import new_archive

with new_archive(Path(sys.argv[1])) as archive:
    archive.add("one", b"1" * 1_000_000)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_backup_has_left_is_removed_by_the_next_and_no_file_at_work(
    tmp_path: Path,
) -> None:
    killed = [sys.executable, "-c", KILLED, str(tmp_path / "monday.backup")]
    assert subprocess.run(killed, check=False, timeout=60).returncode < 0
    (left,) = tmp_path.iterdir()
    with new_archive(tmp_path / "tuesday.backup") as archive:
        (at_work,) = tmp_path.iterdir()
        assert at_work != left
        with new_archive(tmp_path / "wednesday.backup"):
            pass
        archive.add("one", b"1")
    assert {path.name for path in tmp_path.iterdir()} == {"tuesday.backup", "wednesday.backup"}


def test_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be written"), new_archive(tmp_path / "no" / "b"):
        pass


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_file_that_was_cut_off_is_refused(file: Path, share: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArchiveError, match="cannot be used") as error:
        list(read_archive(file))
    assert "another backup" in error.value.advice


def test_byte_that_changed_is_found(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    for place in range(6, len(whole), len(whole) // 20):
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x40
        file.write_bytes(spoilt)
        try:
            parts = list(read_archive(file))
        except ArchiveError:
            continue
        # What changed said nothing of the content: names of users, times and the like.
        assert parts == [("one", b"1" * 100_000), ("rows/t/0.jsonl", bytes(range(256)) * 400)]


@pytest.mark.parametrize("content", [b"", b"a poem", b"\x28\xb5\x2f\xfd" + b"x" * 100])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "poem"
    path.write_bytes(content)
    with pytest.raises(ArchiveError):
        list(read_archive(path))


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no file"):
        list(read_archive(tmp_path / "none"))
