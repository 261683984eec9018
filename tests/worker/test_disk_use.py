import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.disk_use import LEAST_BYTES, used_bytes

REPOSITORY = Path(__file__).parents[2]
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


def test_each_file_counts_even_an_empty_one(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert used_bytes(str(tmp_path), PLENTY) == 100 * LEAST_BYTES


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes an ordinary user")
@pytest.mark.parametrize("mode", [0o300, 0o200, 0o000, 0o600])
def test_folder_that_hides_what_is_in_it_counts_as_too_much(tmp_path: Path, mode: int) -> None:
    """Root reads every folder; an ordinary worker does not, and the job may open its own again."""
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from worker.disk_use import used_bytes;"
        "os.setgid(65534); os.setuid(65534); print(used_bytes('.', 10**6))"
    )
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "file").touch()
    for path in (tmp_path, hidden):
        os.chown(path, 65534, 65534)
    hidden.chmod(mode)
    command = [sys.executable, "-I", "-S", "-c", script, str(REPOSITORY)]
    end = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(end.stdout) > 10**6


def test_folder_that_is_gone_counts_nothing(tmp_path: Path) -> None:
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


def test_link_in_the_place_of_the_folder_counts_as_too_much(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "folder").symlink_to("other")
    assert used_bytes(str(tmp_path / "folder"), PLENTY) > PLENTY
