import os
import subprocess
import sys
from pathlib import Path

import pytest

from utils.errors import SettingsError
from worker.data_directory import DataDirectory, DataDirectoryInUse

HOLD = (
    "import sys; from pathlib import Path; from worker.data_directory import DataDirectory;"
    "DataDirectory.open(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


def test_directory_is_made_private_and_the_worker_keeps_its_name(tmp_path: Path) -> None:
    first = DataDirectory.open(tmp_path / "a" / "data")
    name = first.worker
    first.close()

    again = DataDirectory.open(tmp_path / "a" / "data")

    assert again.worker == name
    assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700
    again.close()


def test_workers_of_two_directories_have_two_names(tmp_path: Path) -> None:
    one, two = DataDirectory.open(tmp_path / "1"), DataDirectory.open(tmp_path / "2")

    assert one.worker != two.worker

    one.close()
    two.close()


def test_second_worker_is_refused_and_told_which_process_holds_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        with pytest.raises(DataDirectoryInUse, match=f"process {holder.pid}") as caught:
            DataDirectory.open(tmp_path)
        assert "TRUELINE_DATA_DIR" in caught.value.advice

        holder.kill()

    DataDirectory.open(tmp_path).close()


def test_lock_is_not_inherited_by_children(tmp_path: Path) -> None:
    directory = DataDirectory.open(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ):
        assert not os.get_inheritable(directory.lock_descriptor)
        directory.close()
        DataDirectory.open(tmp_path).close()


def test_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="cannot be used") as caught:
        DataDirectory.open(tmp_path / "file" / "data")

    assert "TRUELINE_DATA_DIR" in caught.value.advice
