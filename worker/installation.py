"""What every installer is asked to do: lock an order, make an environment of a lock."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from worker.diagnosis import Order
from worker.lockfile import Lock
from worker.workbench import Workbench


@dataclass(frozen=True)
class Installation:
    """What to install into the bare environment in `path`."""

    path: Path
    lock: Path
    source_builds: bool
    distrust_cache: bool  # what lies in the cache may be damaged: fetch anew


class Installer(Protocol):
    """Makes locks and virtual environments with a Workbench's variables and deadline."""

    @property
    def name(self) -> str:
        """The tools' name, as `environment.json` records it."""

    @property
    def programs(self) -> tuple[Path, ...]:
        """The programs that it runs beside the interpreter."""

    def resolve(self, bench: Workbench, order: Order, *, source_builds: bool) -> Lock:
        """Find the files that meet the order's requirements; raises ToolFailed."""

    def with_cache(self, cache: Path) -> "Installer":
        """Return the same installer with a package cache of its own."""

    def make_bare(self, bench: Workbench, path: Path) -> None:
        """Make an environment with no packages; raises ToolFailed."""

    def install(self, bench: Workbench, task: Installation) -> None:
        """Put what is locked into an environment; raises ToolFailed."""


def write_requirement_files(scratch: Path, order: Order) -> tuple[str, ...]:
    """Write the order's requirements for a tool to read; return their names in `scratch`.

    Each requirement stands in the line that it has in the author's file, so that a tool's
    `line 3` is the author's line 3.
    """
    lines: dict[int, str] = {}
    for requirement in order.requirements:
        lines[requirement.line or len(lines) + 1] = requirement.bare
    placed = [lines.get(number, "") for number in range(1, max(lines, default=0) + 1)]
    base = [requirement.bare for requirement in order.base]
    (scratch / "requirements.txt").write_text("\n".join([*placed, ""]), encoding="utf-8")
    (scratch / "base_requirements.txt").write_text("\n".join([*base, ""]), encoding="utf-8")
    return ("requirements.txt", "base_requirements.txt")


def wheels_only(*, source_builds: bool) -> tuple[str, ...]:
    """Return the option of uv and pip that keeps them from running build code."""
    return () if source_builds else ("--only-binary", ":all:")
