"""Which installer works here, and uv, the one that is preferred."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from worker.diagnosis import Order
from worker.errors import WorkerError
from worker.installation import (
    Installation,
    Installer,
    wheels_only,
    write_requirement_files,
)
from worker.lockfile import Lock, parse_resolution
from worker.pip_installer import PipInstaller
from worker.workbench import ToolFailed, Workbench, read_made

InstallerChoice = Literal["", "uv", "pip"]


@dataclass(frozen=True)
class UvInstaller:
    """Resolves and installs with uv; packages are hard links into its cache."""

    binary: Path
    python: Path
    cache: Path
    name: str = "uv"

    @property
    def programs(self) -> tuple[Path, ...]:
        """The uv that was found."""
        return (self.binary, self.binary.resolve())

    def resolve(self, bench: Workbench, order: Order, *, source_builds: bool) -> Lock:
        """Run `uv pip compile`."""
        resolution = bench.scratch / "resolution.txt"
        bench.run(
            *self._uv("pip", "compile"),
            *("--python", self.python, "--output-file", resolution, "--generate-hashes"),
            *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
            *wheels_only(source_builds=source_builds),
            *write_requirement_files(bench.scratch, order),
        )
        return parse_resolution(read_made(resolution))

    def with_cache(self, cache: Path) -> "UvInstaller":
        """Return it with another package cache."""
        return replace(self, cache=cache / "uv")

    def make_bare(self, bench: Workbench, path: Path) -> None:
        """Run `uv venv`; what it makes may be moved."""
        bench.run(*self._uv("venv"), "--relocatable", "--python", self.python, path)

    def install(self, bench: Workbench, task: Installation) -> None:
        """Run `uv pip install`; offline first, since most of it is in the cache."""
        if task.distrust_cache:
            self._install(bench, task, "--no-cache")
            return
        try:
            self._install(bench, task, "--offline")  # known files: no index is asked
        except ToolFailed:
            self._install(bench, task)

    def _install(self, bench: Workbench, task: Installation, *options: str) -> None:
        bench.run(
            *self._uv("pip", "install"),
            *("--python", task.path, "--link-mode", "hardlink", "--no-deps", "--require-hashes"),
            *wheels_only(source_builds=task.source_builds),
            *options,
            *("--requirements", task.lock),
        )

    def _uv(self, *command: str) -> tuple[str | Path, ...]:
        # --no-config: a data directory inside a checkout must not read its pyproject.toml.
        steady = ("--no-config", "--no-progress", "--no-python-downloads", "--color", "never")
        return (self.binary, *command, "--quiet", *steady, "--cache-dir", self.cache)


def choose_installer(
    choice: InstallerChoice, python: Path, cache: Path, environ: Mapping[str, str]
) -> Installer:
    """Return uv where it is found and pip was not asked for, else virtualenv with pip."""
    binary = None if choice == "pip" else find_uv(environ)
    if binary is not None:
        return UvInstaller(binary, python, cache / "uv")
    if choice == "uv":
        raise WorkerError("uv was asked for and is not here", "install uv, or ask for pip")
    return PipInstaller(python, cache / "pip")


def find_uv(environ: Mapping[str, str]) -> Path | None:
    """Find uv's binary: the wheel's own, else the one on PATH."""
    try:
        import uv  # noqa: PLC0415 - uv may be missing, which is no error

        return Path(os.fsdecode(uv.find_uv_bin()))
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv", path=environ.get("PATH"))
        return Path(found) if found else None
