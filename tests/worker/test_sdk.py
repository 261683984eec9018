import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.errors import WorkerError
from worker.sdk import Sdk
from worker.store import Store

Stored = Callable[[], Path]


@pytest.fixture
def stored(small_sdk: Path, tmp_path: Path) -> Stored:
    """Store the small SDK as a worker's build does; return where its modules are."""

    def store() -> Path:
        beside = tmp_path / os.urandom(4).hex()
        beside.mkdir()
        tree = Sdk.read(small_sdk).stored_in(Store(tmp_path / "environments"), beside, 10)
        return tree.path / "sdk" / "utils"

    return store


def test_only_python_files_are_part_of_the_sdk(stored: Stored, small_sdk: Path) -> None:
    placed = stored()
    assert {path.name for path in placed.glob("*.*")} == {"__init__.py", "child.py"}
    assert (placed / "child.py").read_bytes() == (small_sdk / "child.py").read_bytes()
    assert not (placed / "child.py").stat().st_mode & 0o222


def test_a_package_of_the_sdk_is_part_of_it(stored: Stored, small_sdk: Path) -> None:
    before = Sdk.read(small_sdk).digest
    (small_sdk / "client").mkdir()
    (small_sdk / "client" / "__init__.py").write_text("NAME = 'client'\n")
    assert Sdk.read(small_sdk).digest != before
    assert (stored() / "client" / "__init__.py").read_text() == "NAME = 'client'\n"


def test_plugins_can_import_the_client_of_the_api(tmp_path: Path) -> None:
    real = Sdk.read(Path(__file__).parents[2] / "utils")
    (tmp_path / "beside").mkdir()
    tree = real.stored_in(Store(tmp_path / "environments"), tmp_path / "beside", 10)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from utils.client import ApiProblem, Trueline\n"
        "from utils.client.models import JobStatus\n"
        "print(Trueline('http://127.0.0.1:1').url, sys.modules['utils.client'].__file__)"
    )
    command = [sys.executable, "-I", "-c", code, str(tree.path / "sdk")]
    end = subprocess.run(command, capture_output=True, text=True, check=True)
    assert end.stdout.split() == [
        "http://127.0.0.1:1",
        str(tree.path / "sdk" / "utils" / "client" / "__init__.py"),
    ]


def test_its_bytecode_is_there_and_taken(stored: Stored) -> None:
    placed = stored()
    code = "import sys; sys.path.insert(0, sys.argv[1]); import utils.child"
    end = subprocess.run(
        [sys.executable, "-I", "-v", "-c", code, placed.parent],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the child" in end.stdout
    assert end.stderr.count(f".pyc matches {placed}") == 2
    assert "# wrote" not in end.stderr


def test_damaged_files_are_not_passed_on(stored: Stored, small_sdk: Path) -> None:
    kept = stored() / "child.py"
    kept.chmod(0o644)
    os.truncate(kept, 0)
    assert stored() == kept.parent
    assert kept.read_bytes() == (small_sdk / "child.py").read_bytes()


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
