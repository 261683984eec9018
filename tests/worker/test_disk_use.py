import os
from pathlib import Path

from worker.disk_use import used_bytes

PLENTY = 2**40


def test_files_of_all_folders_count_and_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    empty = used_bytes(str(tmp_path), PLENTY)
    (tmp_path / "deep" / "deeper" / "file").write_bytes(bytes(100_000))
    (tmp_path / "link").symlink_to("/usr")
    grown = used_bytes(str(tmp_path), PLENTY) - empty
    assert 100_000 <= grown < 120_000


def test_what_a_file_only_claims_does_not_count(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10**9)
    assert used_bytes(str(tmp_path), PLENTY) < 100_000


def test_counting_stops_once_it_is_enough(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(1_000_000))
    assert 1_000_000 <= used_bytes(str(tmp_path), 500_000) < 2_000_000


def test_folder_that_is_gone_or_locked_counts_nothing(tmp_path: Path) -> None:
    assert used_bytes(str(tmp_path / "absent"), PLENTY) == 0
    os.mkfifo(tmp_path / "pipe")
    assert used_bytes(str(tmp_path), PLENTY) < 100_000


def test_folder_too_deep_for_a_path_counts_as_too_much(tmp_path: Path) -> None:
    make_deep(tmp_path, 30)
    assert used_bytes(str(tmp_path), PLENTY) > PLENTY


def make_deep(path: Path, levels: int) -> None:
    folder = os.open(path, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 200, dir_fd=folder)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
