import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.interpreter_folders import interpreter_folders


def test_own_interpreter_needs_its_environment_and_its_installation() -> None:
    folders = interpreter_folders(Path(sys.executable))
    assert Path(sys.prefix) in folders
    assert Path(sys.base_prefix).resolve() in [folder.resolve() for folder in folders]


def test_links_are_followed_to_every_place_that_they_pass(tmp_path: Path) -> None:
    for name in ("installed-3.11.7/bin", "environment/bin", "other/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "installed-3.11.7" / "bin" / "python3").touch()
    (tmp_path / "installed").symlink_to("installed-3.11.7")
    (tmp_path / "other" / "bin" / "python").symlink_to("../../installed/bin/python3")
    (tmp_path / "environment" / "bin" / "python").symlink_to(tmp_path / "other/bin/python")
    assert set(interpreter_folders(tmp_path / "environment" / "bin" / "python")) == {
        tmp_path / name for name in ("environment", "other", "installed", "installed-3.11.7")
    }


def test_environment_on_an_environment_names_the_installation(tmp_path: Path) -> None:
    made = tmp_path / "made"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "--copies", made], check=True, timeout=60
    )
    folders = interpreter_folders(made / "bin" / "python")
    assert made in folders
    assert Path(sys.base_prefix) in folders


def test_home_directory_is_never_shown_for_an_interpreter_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    assert interpreter_folders(python) == (python,)


def test_user_without_a_home_can_start_an_interpreter() -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become a user that nobody knows")
    unknown = 2**31 - 7
    code = (
        "import os; from pathlib import Path; "
        "from worker.interpreter_folders import interpreter_folders; "
        f"os.setuid({unknown}); print(interpreter_folders(Path('/usr/bin/python3')))"
    )
    environ = {name: value for name, value in os.environ.items() if name != "HOME"}
    said = subprocess.check_output([sys.executable, "-c", code], env=environ, text=True, timeout=60)
    assert "'/usr'" in said
