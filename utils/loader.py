"""Loads an integration's Runner from a snapshot and checks that it is one."""

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from utils.base_runner import BaseRunner
from utils.deadline import TaskTimeout
from utils.errors import AuthoringError
from utils.failures import shown_path
from utils.jsonable import shown_kind
from utils.suggest import did_you_mean
from utils.task_registry import import_failure, register_tasks
from utils.tasks import MOST_PARALLEL_TASKS


def open_snapshot(snapshot: str) -> None:
    """Make a snapshot's files importable, after everything else so that none shadows a library."""
    package = ModuleType("integrations")
    package.__path__ = [os.path.join(snapshot, "integrations")]  # noqa: PTH118 - pathlib costs each job 6 ms
    sys.modules["integrations"] = package
    sys.path.append(snapshot)


def load_runner(integration: str) -> type[BaseRunner]:
    """Import the integration's entry.py and return its Runner with its tasks registered.

    Raises AuthoringError that names file, line and fix.
    """
    _check_entry(integration)
    runner = _checked_runner(_imported_entry(integration), integration)
    _check_name(runner, integration)
    _check_parallel_tasks(runner)
    register_tasks(runner)
    return runner


def _check_entry(integration: str) -> None:
    root = next(iter(sys.modules["integrations"].__path__))
    folder = os.path.join(root, integration)  # noqa: PTH118 - pathlib costs each job 6 ms
    if not os.path.isdir(folder):  # noqa: PTH112 - same
        raise AuthoringError(
            f"integration {integration!r}: there is no folder integrations/{integration}",
            "name the folder as integrations.json names the integration",
        )
    if not os.path.isfile(os.path.join(folder, "entry.py")):  # noqa: PTH113, PTH118 - same
        raise AuthoringError(
            f"integrations/{integration}/entry.py is missing",
            "add it, with `class Runner(BaseRunner): ...` in it",
        )


def _imported_entry(integration: str) -> ModuleType:
    try:
        return import_module(f"integrations.{integration}.entry")
    except TaskTimeout:
        raise
    except BaseException as error:  # a plugin's file may raise anything, sys.exit too
        raise import_failure(error, integration) from error


def _checked_runner(entry: ModuleType, integration: str) -> type[BaseRunner]:
    file = f"integrations/{integration}/entry.py"
    runner = vars(entry).get("Runner")
    if runner is None:
        nearest = did_you_mean("Runner", _own_classes(vars(entry)))
        raise AuthoringError(
            f"{file} has no class Runner{nearest}",
            "add `class Runner(BaseRunner): ...`, with `from utils.base_runner import BaseRunner`",
        )
    if not isinstance(runner, type) or not issubclass(runner, BaseRunner):
        raise AuthoringError(
            f"{file}: Runner does not extend BaseRunner",
            "write `class Runner(BaseRunner):`, with `from utils.base_runner import BaseRunner`",
        )
    if not runner.__module__.startswith(f"integrations.{integration}."):
        raise AuthoringError(
            f"{file}: Runner comes from {runner.__module__}",
            "declare one here: `class Runner(BaseRunner): ...`",
        )
    for stage in ("StageOne", "StageTwo"):
        _check_stage(runner, stage, file)
    return runner


def _check_stage(runner: type[BaseRunner], stage: str, file: str) -> None:
    written, base = getattr(runner, stage), getattr(BaseRunner, stage)
    if not isinstance(written, type) or not issubclass(written, base):
        raise AuthoringError(
            f"{file}: Runner.{stage} does not extend BaseRunner.{stage}",
            f"write `class {stage}(BaseRunner.{stage}):`",
        )


def _check_name(runner: type[BaseRunner], integration: str) -> None:
    if not runner.name:
        runner.name = integration
    if runner.name != integration:
        raise AuthoringError(
            f"integrations/{integration}/entry.py: Runner.name is {runner.name!r}, and the folder "
            f"and integrations.json say {integration!r}",
            "make the three names the same, or leave Runner.name out",
        )


def _check_parallel_tasks(runner: type[BaseRunner]) -> None:
    most: Any = runner.parallel_tasks
    if type(most) is int and 1 <= most <= MOST_PARALLEL_TASKS:
        return
    raise AuthoringError(
        f"{_place_of('parallel_tasks', runner)}: Runner.parallel_tasks is {_shown(most)}",
        f"give a whole number from 1 to {MOST_PARALLEL_TASKS}, such as parallel_tasks = 8; "
        "1, or leaving it out, runs one task after another",
    )


def _shown(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 64:
        return f"a number of {value.bit_length():,} bits"
    if isinstance(value, (str, int, float)):
        return f"{value!r:.80}"
    return shown_kind(value)


def _place_of(attribute: str, runner: type[BaseRunner]) -> str:
    """Return `file:line` of where a class attribute is set, or the file alone."""
    owner = next(cls for cls in runner.__mro__ if attribute in vars(cls))
    path = getattr(sys.modules.get(owner.__module__), "__file__", None)
    if path is None:
        return owner.__module__
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib costs each job 6 ms
        for number, line in enumerate(file, 1):
            if line.replace(":", "=").partition("=")[0].strip() == attribute:
                return f"{shown_path(path)}:{number}"
    return shown_path(path)


def _own_classes(module: Mapping[str, Any]) -> list[str]:
    return [name for name, value in module.items() if isinstance(value, type)]
