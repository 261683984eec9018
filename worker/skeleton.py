"""The bare virtual environment: made once by the installer's tool, then copied in no time."""

import hashlib
import shutil
from pathlib import Path

from worker.link_farm import hard_link
from worker.placement import Tree
from worker.recipe import interpreter_tag

_PYTHON = "python"
_KEPT = ("pyvenv.cfg", "lib64")


def skeleton_name(python: Path, installer: str) -> str:
    """Name the bare environment of an interpreter."""
    content = "\0".join((installer, interpreter_tag(), str(python), str(python.resolve())))
    return f"bare-{hashlib.sha256(content.encode()).hexdigest()[:24]}"


def strip_to_skeleton(environment: Path) -> None:
    """Remove what a tool puts into a bare environment beside what makes Python start."""
    for path in environment.iterdir():
        if path.name not in {*_KEPT, "bin", "lib"}:
            _remove(path)
    for path in (environment / "bin").iterdir():
        if not path.name.startswith(_PYTHON):
            _remove(path)
    for path in (environment / "lib").glob("python*/site-packages/*"):
        _remove(path)


def copy_skeleton(skeleton: Tree, to: Path) -> None:
    """Make a bare environment."""
    to.mkdir(parents=True)
    for path in skeleton.path.rglob("*"):
        target = to / path.relative_to(skeleton.path)
        if path.is_dir() and not path.is_symlink():
            target.mkdir()
        elif not hard_link(path, target):
            shutil.copy2(path, target, follow_symlinks=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
