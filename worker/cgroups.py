"""Control groups for sandboxes: the kernel's own bounds on what all of one sandbox may take.

A user namespace counts processes by itself, but never root's: there the kernel needs a group, of
either version. Version 2, where it is delegated to the worker, bounds memory as well, page cache
and files in memory among it. Without any group this limits nothing.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MOUNTS = Path("/proc/self/mountinfo")
OWN = Path("/proc/self/cgroup")
_CONTROLLER = "pids"
_MEMORY = "memory"  # by version 2 alone: to enter a second group of version 1 costs 10 ms more
_OURS = "trueline-"
_SUBTREE = "cgroup.subtree_control"
_LEAF = "worker"  # version 2 keeps processes out of groups that have groups with controllers
_UNUSED_SECONDS = 60.0  # an empty group that is younger may be entered yet
_ENTER = 'echo 0 > "$1" && shift && exec "$@"'


@dataclass(frozen=True)
class ProcessGroups:
    """A folder of control groups that is this worker's own; the next worker removes it."""

    folder: Path
    bounds_memory: bool = False

    @classmethod
    def open(cls, mounts: Path = MOUNTS, own: Path = OWN) -> Self | None:
        """Make a folder of groups below the one that this process is in; None where it may not."""
        for place, is_version_2 in _places(mounts, own):
            with suppress(OSError):
                controllers = _delegate(place) if is_version_2 else ()
                folder = place / f"{_OURS}{os.getpid()}"
                folder.mkdir(exist_ok=True)
                if is_version_2:
                    (folder / _SUBTREE).write_text(_plus(controllers))
                groups = cls(folder, _MEMORY in controllers)
                groups._remove_dead(place)
                groups._make(64, 1024**3).rmdir()  # whether it may limit shows here
                return groups
        return None

    def entered(
        self, argv: tuple[str, ...], most_processes: int, most_bytes: int
    ) -> tuple[str, ...]:
        """Return a command that starts `argv` in a new group with so much of each at most."""
        _remove_empty(self.folder, _UNUSED_SECONDS)
        group = self._make(most_processes, most_bytes)
        return ("/bin/sh", "-c", _ENTER, "enter", str(group / "cgroup.procs"), *argv)

    def _make(self, most_processes: int, most_bytes: int) -> Path:
        group = self.folder / secrets.token_hex(6)
        group.mkdir()
        (group / "pids.max").write_text(str(most_processes))
        if self.bounds_memory:
            (group / "memory.max").write_text(str(most_bytes))
        return group

    def _remove_dead(self, place: Path) -> None:
        for folder in place.glob(f"{_OURS}*"):
            if not Path("/proc", folder.name.removeprefix(_OURS)).exists():
                _remove_empty(folder, 0)
                with suppress(OSError):
                    folder.rmdir()


def _remove_empty(folder: Path, least_seconds: float) -> None:
    now = time.time()
    for group in folder.iterdir():
        with suppress(OSError):  # it has processes, or another thread was faster
            if group.is_dir() and now - group.stat().st_mtime >= least_seconds:
                group.rmdir()


def _places(mounts: Path, own: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the groups of this process that can limit processes, and whether by version 2."""
    paths = {}
    for line in own.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        paths[controllers] = path
    for line in mounts.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        root, point, kind = fields[3], Path(fields[4]), fields[fields.index("-") + 1]
        if kind == "cgroup2" and "" in paths:
            place = point / os.path.relpath(paths[""], root)
            with suppress(OSError):
                if _CONTROLLER in (place / "cgroup.controllers").read_text().split():
                    yield place, True
        elif kind == "cgroup" and _CONTROLLER in fields[-1].split(",") and _CONTROLLER in paths:
            yield point / os.path.relpath(paths[_CONTROLLER], root), False


def _delegate(place: Path) -> tuple[str, ...]:
    """Move what is in the group into a leaf, so that the group may pass its controllers on."""
    there = (place / "cgroup.controllers").read_text().split()
    controllers = tuple(name for name in (_CONTROLLER, _MEMORY) if name in there)
    control = place / _SUBTREE
    if not set(controllers) <= set(control.read_text().split()):
        leaf = place / _LEAF
        leaf.mkdir(exist_ok=True)
        (leaf / "cgroup.procs").write_text("0")
        control.write_text(_plus(controllers))
    return controllers


def _plus(controllers: tuple[str, ...]) -> str:
    return " ".join(f"+{name}" for name in controllers)
