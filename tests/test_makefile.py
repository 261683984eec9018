"""The project's own environment, as `make` sets it up."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TARGET = ".venv/.bootstrap"
OURS = {"api", "cli", "migrations", "utils", "worker"}
EXTRAS = {"apprise", "opentelemetry"}  # imported where somebody has asked for them
NEWER = {"compression"}  # of the standard library, from a later Python on
_IMPORT = re.compile(r"^\s*(?:from|import)\s+(\w+)", re.MULTILINE)


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


def test_what_make_setup_installs_has_every_package_that_is_imported() -> None:
    """The tests run with more than that: a package for tests alone would be missed by users."""
    locked = re.findall(
        r"^([\w.-]+)==",
        (REPOSITORY / "requirements" / "runtime.txt").read_text(),
        flags=re.MULTILINE,
    )
    installed = {_plain(name) for name in locked}
    known = {
        module
        for module, names in packages_distributions().items()
        if installed & {_plain(name) for name in names}
    }
    allowed = known | OURS | EXTRAS | NEWER | sys.stdlib_module_names
    assert "redis" in known
    missing = {
        f"{path.relative_to(REPOSITORY)}: {module}"
        for package in OURS
        for path in (REPOSITORY / package).rglob("*.py")
        if set(_IMPORT.findall(text := path.read_text(encoding="utf-8"))) - allowed
        for module in set(_imported(text)) - allowed
    }
    assert missing == set()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
