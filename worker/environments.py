"""The environments of a worker: one per distinct content, built once, kept while in use."""

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from worker.build_failure import BuildCause, BuildFailed
from worker.building import Builder, BuildOptions, BuildRequest
from worker.damage import damage
from worker.diagnosis import Order
from worker.environment import RECORD_NAME, USAGE_NAME, Environment, read_record
from worker.errors import WorkerError
from worker.key_locks import KeyLocks
from worker.lockfile import HashesDiffer
from worker.recipe import Recipe, interpreter_tag
from worker.requirement import as_requirements
from worker.requirements import check_against_base
from worker.sdk import Sdk
from worker.store import Store
from worker.trash import Trash
from worker.workbench import BuildTimedOut, ToolFailed

__all__ = ["BuildCause", "BuildFailed", "BuildOptions", "Environment", "Environments"]

Progress = Callable[[str, str], None]


def _say_nothing(integration: str, step: str) -> None:
    """Take progress that nobody shows."""


class Environments:
    """The environments in one directory; safe for many threads and processes at once."""

    def __init__(
        self,
        directory: Path,
        base_requirements: Iterable[str],
        sdk: Path,
        options: BuildOptions | None = None,
        on_progress: Progress = _say_nothing,
    ) -> None:
        """Read the SDK from the folder `sdk`.

        `on_progress` hears an integration and its step: `resolving`, `installing` or `done`.
        """
        self._options = options or BuildOptions()
        self._directory = directory.absolute()
        self._base = as_requirements(base_requirements)
        self._sdk = Sdk.read(sdk)
        self._interpreter = interpreter_tag()
        self._on_progress = on_progress
        self._store = Store(self._directory)
        self._builder = Builder(self._directory, self._sdk, self._store, self._options)
        self._key_locks = KeyLocks(self._directory / "held")
        self._trash = Trash(self._directory / "trash")
        self._whole: set[str] = set()  # keys that were looked over in this process

    def key(self, requirements: Iterable[str], *, source_builds: bool = False) -> str:
        """Name the environment of an integration with these requirements."""
        return self._recipe(requirements, source_builds=source_builds).key

    def existing(self, key: str) -> Environment | None:
        """Return an environment that is there and whole; it is looked over at its first use."""
        environment = Environment.at(self._path(key))
        if not ((environment.path / RECORD_NAME).exists() and environment.python.exists()):
            return None
        if key not in self._whole:
            if damage(environment.path, self._store):
                return None
            self._whole.add(key)
        with suppress(OSError):
            os.utime(environment.path / USAGE_NAME)
        return environment

    def build(
        self, integration: str, requirements: Iterable[str], *, source_builds: bool = False
    ) -> Environment:
        """Return the environment of an integration, built if it is not there.

        Raises BuildFailed with the cause and the fix.
        """
        recipe = self._recipe(requirements, source_builds=source_builds)
        if found := self.existing(recipe.key):
            return found
        check_against_base(recipe.requirements, recipe.base, integration)
        order = Order(integration, recipe.requirements, recipe.base)
        with (
            _failures_explained(order),
            self._key_locks.held(recipe.key, self._options.wait_seconds),
        ):
            # Somebody else may have built it while this one waited.
            return self.existing(recipe.key) or self._build(recipe, order)

    def reclaim(self, keep: set[str]) -> list[str]:
        """Remove what is neither kept, nor in use, nor used lately; return the keys removed.

        What builders that died left behind goes as well.
        """
        removed = []
        for path in _entries(self._directory / "envs"):
            if path.name in keep or self._used_lately(path):
                continue
            with self._key_locks.held_if_free(path.name) as held:
                if held and self._trash.take_unused(path):
                    self._whole.discard(path.name)
                    removed.append(path.name)
        for key in {path.name.partition(".")[0] for path in _entries(self._directory / "building")}:
            with self._key_locks.held_if_free(key) as held:
                if held:
                    self._take_leftovers(key)
        self._trash.empty()  # what is still in there uses what it leads to
        self._store.reclaim(self._used_by_environments, self._options.grace_seconds)
        self._trash.empty()
        return removed

    def _recipe(self, requirements: Iterable[str], *, source_builds: bool) -> Recipe:
        return Recipe(
            self._interpreter,
            self._base,
            as_requirements(requirements),
            source_builds,
            self._sdk.digest,
        )

    def _build(self, recipe: Recipe, order: Order) -> Environment:
        """Build with the key's lock held: what lies there is damaged or was left by the dead."""
        damaged = self._path(recipe.key)
        if damaged.exists():
            self._trash.take(damaged)
        self._take_leftovers(recipe.key)

        def on_step(step: str) -> None:
            self._on_progress(order.integration, step)

        made = self._builder.build(BuildRequest(recipe, order, on_step))
        self._whole.add(recipe.key)
        return made

    def _used_by_environments(self) -> set[str] | None:
        """Return what of the store environments lead to, also those that wait in the trash.

        None when one does not tell: its jobs may still run.
        """
        used: set[str] = set()
        for path in _entries(self._directory / "envs"):
            record = read_record(path)
            if record is None:
                return None
            used.update(record.store)
        for path in _entries(self._directory / "trash"):
            if record := read_record(path):
                used.update(record.store)
        return used

    def _take_leftovers(self, key: str) -> None:
        for path in _entries(self._directory / "building"):
            if path.name.startswith(f"{key}."):
                self._trash.take(path)

    def _used_lately(self, path: Path) -> bool:
        return not self._is_old(path / USAGE_NAME)

    def _is_old(self, path: Path) -> bool:
        try:
            return time.time() - path.stat().st_mtime >= self._options.grace_seconds
        except OSError:
            return True

    def _path(self, key: str) -> Path:
        return self._directory / "envs" / key


@contextmanager
def _failures_explained(order: Order) -> Iterator[None]:
    """Turn whatever stops a build into BuildFailed."""
    try:
        yield
    except BuildFailed:
        raise
    except ToolFailed as error:
        raise order.diagnosed(error.output) from error
    except BuildTimedOut as error:
        raise order.failure(BuildCause.TIMEOUT, error.output) from error
    except TimeoutError as error:
        raise order.failure(BuildCause.TIMEOUT, str(error)) from error
    except HashesDiffer as error:
        raise order.foreign_hash(error.requirement) from error
    except WorkerError as error:
        raise BuildFailed(
            order.integration, BuildCause.UNKNOWN, error.reason, error.advice
        ) from error
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        cause = BuildCause.DISK_FULL if full else BuildCause.UNKNOWN
        raise order.failure(cause, str(error)) from error


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
