"""Control groups for sandboxes: how many processes all of one may be, where limits of users fail.

A user namespace counts processes by itself, but never root's: there the kernel needs a group. Both
versions of control groups will do; without any this limits nothing.
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
_OURS = "trueline-"
_LEAF = "worker"  # version 2 keeps processes out of groups that have groups with controllers
_UNUSED_SECONDS = 60.0  # an empty group that is younger may be entered yet
_ENTER = 'echo 0 > "$1" && shift && exec "$@"'


@dataclass(frozen=True)
class ProcessGroups:
    """A folder of control groups that is this worker's own; the next worker removes it."""

    folder: Path

    @classmethod
    def open(cls, mounts: Path = MOUNTS, own: Path = OWN) -> Self | None:
        """Make a folder of groups below the one that this process is in; None where it may not."""
        for place, is_version_2 in _places(mounts, own):
            with suppress(OSError):
                if is_version_2:
                    _delegate(place)
                folder = place / f"{_OURS}{os.getpid()}"
                folder.mkdir(exist_ok=True)
                if is_version_2:
                    (folder / "cgroup.subtree_control").write_text(f"+{_CONTROLLER}")
                groups = cls(folder)
                groups._remove_dead(place)
                groups._make(64).rmdir()  # whether it may limit shows here
                return groups
        return None

    def entered(self, argv: tuple[str, ...], most_processes: int) -> tuple[str, ...]:
        """Return a command that starts `argv` in a new group of so many processes at most."""
        _remove_empty(self.folder, _UNUSED_SECONDS)
        group = self._make(most_processes)
        return ("/bin/sh", "-c", _ENTER, "enter", str(group / "cgroup.procs"), *argv)

    def _make(self, most_processes: int) -> Path:
        group = self.folder / secrets.token_hex(6)
        group.mkdir()
        (group / "pids.max").write_text(str(most_processes))
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


def _delegate(place: Path) -> None:
    """Move what is in the group into a leaf, so that the group may pass its controllers on."""
    control = place / "cgroup.subtree_control"
    if _CONTROLLER in control.read_text().split():
        return
    leaf = place / _LEAF
    leaf.mkdir(exist_ok=True)
    (leaf / "cgroup.procs").write_text("0")
    control.write_text(f"+{_CONTROLLER}")
