"""The project's own environment, as `make` sets it up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TARGET = ".venv/.bootstrap"


def start_make(folder: Path) -> "subprocess.Popen[str]":
    environ = {"PATH": os.environ["PATH"]}  # without the flags of a `make test` around this
    command = ["make", TARGET, f"PYTHON={sys.executable}"]
    return subprocess.Popen(command, cwd=folder, env=environ, text=True, stdout=subprocess.PIPE)


def test_environment_that_works_is_never_emptied(tmp_path: Path) -> None:
    """Others may run in it; of two that set it up at once, one does it."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    locked = tmp_path / "requirements" / "bootstrap.txt"
    locked.parent.mkdir()
    locked.write_text("# nothing is needed\n")
    makes = [start_make(tmp_path) for _ in range(2)]
    said = [make.communicate(timeout=200)[0] for make in makes]
    assert [make.returncode for make in makes] == [0, 0]
    assert sorted(said) == ["", "setting up .venv (once) ...\n"]

    module = tmp_path / ".venv" / "lib" / "module-of-somebody.py"
    module.touch()
    for text in (locked.read_text(), "# another lock\n"):  # a checkout gives it a new date
        locked.write_text(text)
        make = start_make(tmp_path)
        assert (make.communicate(timeout=200)[0] == "") == (text != "# another lock\n")
        assert make.returncode == 0
        assert module.exists()
        assert (tmp_path / TARGET).read_text() == text
