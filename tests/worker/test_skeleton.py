import subprocess
import sys
import time
from pathlib import Path

import pytest

from worker.installation import Installer
from worker.installer import InstallerChoice, choose_installer
from worker.placement import Tree
from worker.skeleton import copy_skeleton, skeleton_name, strip_to_skeleton
from worker.workbench import Workbench

PYTHON = Path(sys.executable)


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest, tmp_path: Path) -> Installer:
    choice: InstallerChoice = request.param
    return choose_installer(choice, PYTHON, tmp_path / "cache", {})


def test_a_copy_is_an_environment_of_its_own(installer: Installer, tmp_path: Path) -> None:
    bench = Workbench(tmp_path / "scratch", {"PATH": "/usr/bin:/bin"}, time.monotonic() + 60)
    bench.open()
    bare, copy = tmp_path / "bare", tmp_path / "copy"
    installer.make_bare(bench, bare)
    strip_to_skeleton(bare)
    copy_skeleton(Tree(bare), copy)
    assert {path.name for path in copy.iterdir()} <= {"bin", "lib", "lib64", "pyvenv.cfg"}
    code = "import sys; print(sys.prefix, sys.prefix != sys.base_prefix, sys.path[-1])"
    end = subprocess.run(
        [copy / "bin" / "python", "-I", "-c", code], capture_output=True, check=True, text=True
    )
    (site,) = copy.glob("lib/python*/site-packages")
    assert end.stdout == f"{copy} True {site}\n"
    assert list(site.iterdir()) == []


def test_each_interpreter_and_installer_has_its_own(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.symlink_to(PYTHON)
    names = {skeleton_name(PYTHON, "uv"), skeleton_name(PYTHON, "pip"), skeleton_name(other, "uv")}
    assert len(names) == 3
