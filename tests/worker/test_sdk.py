import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.errors import WorkerError
from worker.sdk import Sdk


@pytest.fixture
def environment_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "environment"
    folder.mkdir()
    return folder


def test_only_python_files_are_part_of_the_sdk(small_sdk: Path, environment_folder: Path) -> None:
    Sdk.read(small_sdk).put_into(environment_folder, environment_folder / "store")
    placed = environment_folder / "sdk" / "utils"
    assert {path.name for path in placed.glob("*.*")} == {"__init__.py", "child.py"}
    assert (placed / "child.py").read_bytes() == (small_sdk / "child.py").read_bytes()
    assert not (placed / "child.py").stat().st_mode & 0o222


def test_environments_share_the_files_of_one_sdk(small_sdk: Path, tmp_path: Path) -> None:
    sdk = Sdk.read(small_sdk)
    for name in ("one", "two"):
        sdk.put_into(tmp_path / name, tmp_path / "store")
    one, two = (tmp_path / name / "sdk" / "utils" / "child.py" for name in ("one", "two"))
    assert one.samefile(two)


def test_its_bytecode_is_there_and_taken(small_sdk: Path, environment_folder: Path) -> None:
    Sdk.read(small_sdk).put_into(environment_folder, environment_folder / "store")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import utils.child"
    end = subprocess.run(
        [sys.executable, "-I", "-v", "-c", code, environment_folder / "sdk"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the child" in end.stdout
    assert end.stderr.count(f".pyc matches {environment_folder}") == 2
    assert "# wrote" not in end.stderr


def test_a_damaged_store_is_not_passed_on(small_sdk: Path, tmp_path: Path) -> None:
    sdk = Sdk.read(small_sdk)
    sdk.put_into(tmp_path / "one", tmp_path / "store")
    kept = tmp_path / "store" / sdk.digest / "child.py"
    kept.chmod(0o644)
    os.truncate(kept, 0)
    (kept.parent / "__init__.py").unlink()
    sdk.put_into(tmp_path / "two", tmp_path / "store")
    for name, content in sdk.files.items():
        assert (tmp_path / "two" / "sdk" / "utils" / name).read_bytes() == content


def test_the_digest_changes_with_names_and_contents(tmp_path: Path) -> None:
    def digest_of(name: str, text: str) -> str:
        folder = tmp_path / f"{name}-{len(text)}"
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        return Sdk.read(folder).digest

    assert len({digest_of("a", ""), digest_of("a", "1"), digest_of("b", "")}) == 3


def test_a_folder_without_python_files_is_no_sdk(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="there is no SDK"):
        Sdk.read(tmp_path)
