"""Builds one environment beside its place and renames it there when it is complete."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from utils.failpoints import failpoint
from worker.build_sandbox import BuildSandbox, readable_for_builds
from worker.diagnosis import Order
from worker.environment import (
    RECORD_NAME,
    USAGE_NAME,
    Environment,
    EnvironmentRecord,
)
from worker.filling import Filling
from worker.installation import Installer
from worker.installer import InstallerChoice, choose_installer
from worker.key_locks import KeyLocks
from worker.lockfile import Lock, Locks
from worker.package_source import tool_environ
from worker.placement import Placement, Tree
from worker.recipe import Recipe
from worker.sandbox import Sandbox
from worker.sdk import Sdk
from worker.skeleton import copy_skeleton
from worker.store import Store
from worker.trash import delete
from worker.workbench import Workbench

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
    """One environment to build."""

    recipe: Recipe
    order: Order
    on_step: Callable[[str], None]


@dataclass(frozen=True)
class Stored:
    """What an environment is put together from, and how long it took to have it."""

    skeleton: Tree
    trees: tuple[Tree, ...]
    seconds: float = 0.0


class Builder:
    """Builds environments of one SDK below one directory, one at a time in each thread."""

    def __init__(self, directory: Path, sdk: Sdk, store: Store, options: BuildOptions) -> None:
        self._environments = directory / "envs"
        self._building = directory / "building"
        self._sdk = sdk
        self._store = store
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
        made = site.with_name(f"{site.name}.made")
        bench = self._bench(site / "scratch", request.recipe)
        failpoint("build_started")
        try:
            with self._store.in_use():
                lock = self._lock(request, bench)
                request.on_step("installing")
                stored = self._stored(request, lock, bench)
                failpoint("build_installed")
                copy_skeleton(stored.skeleton, made)
                Placement.of(stored.trees).put(made, final, self._store.links)
                failpoint("build_copied")
                seconds = round(time.monotonic() - started, 3)
                self._record(request.recipe, made, lock, replace(stored, seconds=seconds))
                failpoint("build_recorded")
                _name(made, final)
                failpoint("build_named")
        finally:
            delete(made)
            delete(site)
        request.on_step("done")
        return Environment.at(final, seconds=seconds)

    def _bench(self, scratch: Path, recipe: Recipe) -> Workbench:
        deadline = time.monotonic() + self._options.timeout_seconds
        bench = Workbench(scratch, self._environ, deadline)
        if self._sandbox is None:
            return bench
        enclosed = self._sandbox.enclosed_alone if recipe.source_builds else self._sandbox.enclosed
        return replace(bench, enclosed=enclosed)

    def _installer_for(self, recipe: Recipe, bench: Workbench) -> Installer:
        """Let build code write into no cache but its own, which goes with the build."""
        return (
            self._installer.with_cache(bench.scratch / "cache")
            if recipe.source_builds
            else self._installer
        )

    def _lock(self, request: BuildRequest, bench: Workbench) -> Lock:
        """Return the lock of the recipe, resolved once for all environments that share it."""
        key = request.recipe.lock_key
        if known := self._locks.read(key):
            return known
        with self._key_locks.held(f"lock-{key}", self._options.wait_seconds):
            if known := self._locks.read(key):
                return known
            request.on_step("resolving")
            bench.open()
            resolved = self._installer_for(request.recipe, bench).resolve(
                bench, request.order, source_builds=request.recipe.source_builds
            )
            lock = resolved.narrowed(request.order.requirements)
            self._locks.write(key, lock)
        failpoint("build_locked")
        return lock

    def _stored(self, request: BuildRequest, lock: Lock, bench: Workbench) -> Stored:
        """Have everything that goes into the environment in the store."""
        recipe = request.recipe
        filling = Filling(
            store=self._store,
            installer=self._installer_for(recipe, bench),
            python=self._options.python,
            bench=bench,
            wait_seconds=self._options.wait_seconds,
            owner=recipe.lock_key if recipe.source_builds else "",
        )
        packages = filling.packages(lock)
        sdk = self._sdk.stored_in(self._store, bench.scratch, self._options.wait_seconds)
        return Stored(filling.skeleton(), (*packages, sdk))

    def _record(self, recipe: Recipe, made: Path, lock: Lock, stored: Stored) -> None:
        """Write down what was made.

        Nothing is forced to the disk: what a power failure takes of an environment or of the store
        is missed at its first use, and made again.
        """
        record = EnvironmentRecord(
            key=recipe.key,
            requirements=tuple(sorted({*recipe.base, *recipe.requirements})),
            python=recipe.interpreter,
            installer=self._installer.name,
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=stored.seconds,
            store=tuple(tree.path.name for tree in (*stored.trees, stored.skeleton)),
        )
        (made / USAGE_NAME).touch(mode=0o600)
        (made / "lock.txt").write_text(lock.render(), encoding="ascii")
        (made / RECORD_NAME).write_text(record.model_dump_json(indent=2), encoding="utf-8")
        (made / RECORD_NAME).chmod(0o444)


def _name(made: Path, final: Path) -> None:
    """Give what was made its final name."""
    final.parent.mkdir(parents=True, exist_ok=True)
    made.rename(final)
