"""Builds one environment beside its place and renames it there when it is complete."""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from utils.failpoints import failpoint
from utils.files import sync_directory, write_durably
from worker.build_sandbox import BuildSandbox, readable_for_builds
from worker.diagnosis import Order
from worker.environment import (
    RECORD_NAME,
    USAGE_NAME,
    Environment,
    EnvironmentRecord,
    installed_distributions,
    protect,
)
from worker.errors import WorkerError
from worker.installation import Installation
from worker.installer import InstallerChoice, choose_installer
from worker.key_locks import KeyLocks
from worker.lockfile import Lock, Locks
from worker.package_source import tool_environ
from worker.recipe import Recipe
from worker.sandbox import Sandbox
from worker.sdk import Sdk
from worker.workbench import Workbench

SDK_STORE = "sdk"
WAIT_SECONDS = 60  # beyond its deadline, for another's build to end


@dataclass(frozen=True)
class BuildOptions:
    """How environments are built; `environ` is the worker's, of which tools see a part."""

    environ: Mapping[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    installer: InstallerChoice = ""
    timeout_seconds: float = 600
    grace_seconds: float = 24 * 3600  # how long an environment that nobody uses is kept
    cache: Path | None = None  # of packages; belongs on the file system of the environments
    sandbox: Sandbox | None = None  # around the tools

    @property
    def wait_seconds(self) -> float:
        """How long to wait for somebody else's build of the same thing."""
        return self.timeout_seconds + WAIT_SECONDS


@dataclass(frozen=True)
class BuildRequest:
    """One environment to build; `distrust_cache` fetches packages anew."""

    recipe: Recipe
    order: Order
    on_step: Callable[[str], None]
    distrust_cache: bool = False


class Builder:
    """Builds environments of one SDK below one directory, one at a time in each thread."""

    def __init__(self, directory: Path, sdk: Sdk, options: BuildOptions) -> None:
        self._environments = directory / "envs"
        self._building = directory / "building"
        self._sdk = sdk
        self._sdk_store = directory / SDK_STORE
        self._options = options
        self._environ = tool_environ(options.environ)
        self._locks = Locks(directory / "locks")
        self._key_locks = KeyLocks(directory / "held")
        cache = options.cache or directory / "cache"
        self._installer = choose_installer(options.installer, options.python, cache, self._environ)
        self._sandbox = None
        if options.sandbox is not None:
            tools = (options.python, Path(sys.executable))
            readable = (*readable_for_builds(tools, self._environ), *self._installer.programs)
            self._sandbox = BuildSandbox(options.sandbox, directory, cache, readable)

    def build(self, request: BuildRequest) -> Environment:
        """Make the environment; killed at any line, it leaves nothing that would be used."""
        started = time.monotonic()
        final = self._environments / request.recipe.key
        site = self._building / f"{final.name}.{os.getpid()}.{secrets.token_hex(4)}"
        bench = Workbench(site / "scratch", self._environ, started + self._options.timeout_seconds)
        if self._sandbox is not None:
            bench = replace(bench, enclosed=self._sandbox.enclosed)
        bench.scratch.mkdir(parents=True)
        failpoint("build_started")
        try:
            lock = self._lock(request, bench)
            request.on_step("installing")
            made = self._make(request, lock, bench)
            seconds = round(time.monotonic() - started, 3)
            self._record(request.recipe, made, lock, seconds)
            failpoint("build_recorded")
            _name(made, final)
            failpoint("build_named")
        finally:
            shutil.rmtree(site, ignore_errors=True)
        request.on_step("done")
        return Environment.at(final, seconds=seconds)

    def _lock(self, request: BuildRequest, bench: Workbench) -> Lock:
        """Return the lock of the recipe, resolved once for all environments that share it."""
        key = request.recipe.lock_key
        if known := self._locks.read(key):
            return known
        with self._key_locks.held(f"lock-{key}", self._options.wait_seconds):
            if known := self._locks.read(key):
                return known
            request.on_step("resolving")
            resolved = self._installer.resolve(
                bench, request.order, source_builds=request.recipe.source_builds
            )
            lock = resolved.narrowed(request.order.requirements)
            self._locks.write(key, lock)
        failpoint("build_locked")
        return lock

    def _make(self, request: BuildRequest, lock: Lock, bench: Workbench) -> Path:
        """Install everything beside the environment's place."""
        lock_file = bench.scratch / "lock.txt"
        lock_file.write_text(lock.render(), encoding="ascii")
        task = Installation(
            path=bench.scratch.parent / "environment",
            final=self._environments / request.recipe.key,
            lock=lock_file,
            source_builds=request.recipe.source_builds,
            distrust_cache=request.distrust_cache,
        )
        self._installer.install(bench, task)
        failpoint("build_installed")
        self._sdk.put_into(task.path, self._sdk_store)
        failpoint("build_copied")
        return task.path

    def _record(self, recipe: Recipe, made: Path, lock: Lock, seconds: float) -> None:
        """Write down what was made.

        Only the record is forced to the disk: a file that a power failure cut short is found
        by its size when the environment is first used.
        """
        site_packages = next((made / "lib").glob("python*/site-packages"))
        protect(site_packages)
        installed = installed_distributions(site_packages)
        if missing := sorted({pin.name for pin in lock.pins} - installed.keys()):
            raise WorkerError(
                f"{self._installer.name} did not install {', '.join(missing)}",
                "remove the package cache below TRUELINE_DATA_DIR; the next sync tries again",
            )
        record = EnvironmentRecord(
            key=recipe.key,
            requirements=tuple(sorted({*recipe.base, *recipe.requirements})),
            python=recipe.interpreter,
            installer=self._installer.name,
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=seconds,
            site_packages=str(site_packages.relative_to(made)),
            distributions=tuple(installed.values()),
            sdk=self._sdk.sizes_bytes,
        )
        (made / USAGE_NAME).touch(mode=0o600)
        (made / "lock.txt").write_text(lock.render(), encoding="ascii")
        write_durably(made / RECORD_NAME, record.model_dump_json(indent=2).encode(), 0o444)


def _name(made: Path, final: Path) -> None:
    """Give what was made its final name, also for after a power failure."""
    final.parent.mkdir(parents=True, exist_ok=True)
    made.rename(final)
    sync_directory(final.parent)
