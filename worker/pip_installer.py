"""The installer where uv is missing: virtualenv, and the pip that virtualenv brings along."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from virtualenv.seed.wheels.embed import get_embed_wheel

from worker.diagnosis import Order
from worker.errors import WorkerError
from worker.installation import Installation, wheels_only, write_requirement_files
from worker.lockfile import Lock, Pin, UnusableLock, make_lock
from worker.package_source import extra_index_variable
from worker.workbench import ToolFailed, Workbench, read_made

_MISSING = re.compile(r"No matching distribution found for ([\w.-]+)(?:==([\w.!+]+))?")
_SKIPPED = re.compile(r"No sources permitted for [\w.-]+: \S*/([\w.-]+)\.(?:tar\.\w+|zip)")


@dataclass(frozen=True)
class PipInstaller:
    """Resolves and installs with pip; slower than uv, with the same result."""

    python: Path
    cache: Path
    name: str = "virtualenv and pip"

    @property
    def programs(self) -> tuple[Path, ...]:
        """None: pip and virtualenv are packages of the worker's interpreter."""
        return ()

    def resolve(self, bench: Workbench, order: Order, *, source_builds: bool) -> Lock:
        """Run `pip install --dry-run` and read its report."""
        if variable := extra_index_variable(bench.environ):
            raise WorkerError(
                f"{variable} gives a second package index, and pip takes whatever is newest in"
                " any of them",
                "install uv, which takes a package from the first index that has it, or unset"
                f" {variable}",
            )
        report, log = bench.scratch / "report.json", bench.scratch / "pip.log"
        first, second = write_requirement_files(bench.scratch, order)
        try:
            bench.run(
                *self._pip(self.python, "install", "--dry-run", "--ignore-installed"),
                *("--report", report, "--log", log),
                *wheels_only(source_builds=source_builds),
                *("--requirement", first, "--requirement", second),
            )
        except ToolFailed as failed:
            raise ToolFailed("pip", 1, failed.output + _missing_wheel(failed.output, log)) from None
        return make_lock(_reported_pins(report))

    def with_cache(self, cache: Path) -> "PipInstaller":
        """Return it with another package cache."""
        return replace(self, cache=cache / "pip")

    def make_bare(self, bench: Workbench, path: Path) -> None:
        """Run virtualenv."""
        virtualenv = (self.python, "-I", "-m", "virtualenv", "--quiet", "--no-seed")
        app_data = ("--app-data", bench.scratch / "virtualenv", "--no-periodic-update")
        bench.run(*virtualenv, *app_data, "--python", self.python, path)

    def install(self, bench: Workbench, task: Installation) -> None:
        """Run `pip install`."""
        bench.run(
            *self._pip(task.path / "bin" / "python", "install"),
            *("--no-deps", "--require-hashes", "--no-compile", "--no-warn-script-location"),
            *wheels_only(source_builds=task.source_builds),
            *(("--no-cache-dir",) if task.distrust_cache else ()),
            *("--requirement", task.lock),
        )

    def _pip(self, python: Path, *command: str) -> tuple[str | Path, ...]:
        wheel = get_embed_wheel("pip", f"{sys.version_info.major}.{sys.version_info.minor}")
        if wheel is None:
            raise WorkerError("virtualenv has no pip for this Python", "install uv")
        steady = ("--no-input", "--no-color", "--progress-bar", "off")
        quiet = ("--disable-pip-version-check", "--cache-dir", self.cache)
        return (python, "-I", wheel.path / "pip", *command, *steady, *quiet)


def _reported_pins(report: Path) -> Iterator[Pin]:
    for item in json.loads(read_made(report))["install"]:
        metadata = item["metadata"]
        hashes = item["download_info"].get("archive_info", {}).get("hashes", {})
        if "sha256" not in hashes:
            raise UnusableLock(f"the index gives no sha256 of {metadata['name']!r}", "install uv")
        yield Pin(metadata["name"], metadata["version"], (f"sha256:{hashes['sha256']}",))


def _missing_wheel(output: str, log: Path) -> str:
    """Say so when pip passed over a source archive of what it calls missing."""
    missing = _MISSING.search(output)
    if missing is None or not log.exists():
        return ""
    wanted = f"{missing[1]}-{missing[2] or ''}".lower().replace("_", "-")
    archives = _SKIPPED.findall(read_made(log))
    if any(archive.lower().replace("_", "-").startswith(wanted) for archive in archives):
        return f"\nNo usable wheel of {missing[1]}, only source code\n"
    return ""
