"""Finds every task of an integration and keeps them for its Runner class, all or none."""

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType

from utils.deadline import TaskTimeout
from utils.errors import AuthoringError
from utils.failures import error_place, error_text, shown_path
from utils.suggest import did_you_mean
from utils.tasks import DeclaredTask, TaskSpec, declared_tasks

FOLDERS = ("collectors", "insights", "reconcilers")
MAX_TASKS = 1000
REGISTRY = "__trueline_registry__"  # on the Runner class itself, never on a shared base


def register_tasks(cls: type) -> None:
    """Import the integration's task folders and keep their tasks for this Runner class.

    Calling it again does nothing. Raises AuthoringError that names file, line and fix, and keeps
    nothing, when a file cannot be imported, two tasks share a name, `depends_on` cannot be met or
    there is no task at all.
    """
    if REGISTRY in vars(cls):
        return
    package = integration_package(cls)
    for module in _task_modules(package):
        _import_module(module, package)
    tasks = [task for module in _modules_of(package) for task in declared_tasks(vars(module))]
    _check_names(package, tasks)
    _check_dependencies(tasks)
    setattr(cls, REGISTRY, tuple(sorted(tasks, key=lambda task: task.spec.position)))


def registered_tasks(cls: type) -> tuple[DeclaredTask, ...]:
    """Return the tasks of this Runner class in the order of a run; none before registration."""
    tasks: tuple[DeclaredTask, ...] = vars(cls).get(REGISTRY, ())
    return tasks


def integration_package(cls: type) -> str:
    """Return the package of the integration that declares this class: `integrations.<name>`."""
    parts = cls.__module__.split(".")
    if parts[0] != "integrations" or len(parts) < 3:
        raise AuthoringError(
            f"{cls.__name__} is declared in {cls.__module__}, outside integrations/",
            "declare the Runner in integrations/<name>/entry.py and import it from there",
        )
    return ".".join(parts[:2])


def import_failure(error: BaseException, integration: str) -> AuthoringError:
    """Say where an import failed and what to do about it."""
    if isinstance(error, AuthoringError):
        return error
    place = error_place(error) or f"integrations/{integration}"
    return AuthoringError(f"{place}: {error_text(error)}", _import_advice(error, integration))


def _task_modules(package: str) -> Iterator[str]:
    for folder in sys.modules[package].__path__:
        for kind in FOLDERS:
            if os.path.isfile(os.path.join(folder, f"{kind}.py")):  # noqa: PTH113, PTH118 - pathlib costs 6 ms
                yield f"{package}.{kind}"
            yield from _modules_below(os.path.join(folder, kind), f"{package}.{kind}")  # noqa: PTH118 - same


def _modules_below(folder: str, package: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        stem, dot, extension = entry.name.rpartition(".")
        if entry.is_dir() and not entry.name.startswith((".", "__")):
            yield from _modules_below(entry.path, f"{package}.{entry.name}")
        elif dot and extension == "py":
            if "." in stem:
                raise AuthoringError(
                    f"{shown_path(entry.path)}: a file with dots in its name cannot be imported",
                    f"rename it to {stem.replace('.', '_')}.py",
                )
            yield package if stem == "__init__" else f"{package}.{stem}"


def _import_module(module: str, package: str) -> None:
    try:
        import_module(module)
    except TaskTimeout:
        raise
    except BaseException as error:  # a plugin's file may raise anything, sys.exit too
        raise import_failure(error, package.rpartition(".")[2]) from error


def _import_advice(error: BaseException, integration: str) -> str:
    if isinstance(error, SyntaxError):
        return "correct the syntax of that line"
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if not missing:
        return "correct what that line runs at import"
    if missing.partition(".")[0] == "utils":
        return "utils is Trueline's own: import from utils.decorators and utils.base_runner"
    if missing.partition(".")[0] == "integrations":
        return "correct the name, or add the missing file"
    file = f"integrations/{integration}/requirements.txt"
    return f"add the package that provides {missing.partition('.')[0]!r} to {file}"


def _modules_of(package: str) -> list[ModuleType]:
    loaded = sorted(sys.modules.items())
    return [module for name, module in loaded if name == package or name.startswith(f"{package}.")]


def _check_names(package: str, tasks: Iterable[DeclaredTask]) -> None:
    places: dict[str, str] = {}
    for task in tasks:
        name = task.spec.name
        if name in places:
            raise AuthoringError(
                f"two tasks are named {name!r}: {places[name]} and {task.place}",
                "give one of them another name",
            )
        places[name] = task.place
    if len(places) > MAX_TASKS:
        raise AuthoringError(
            f"{package.replace('.', '/')} has {len(places):,} tasks, more than {MAX_TASKS:,}",
            "split it into several integrations, or return many resources from one insight",
        )
    if not places:
        folder = package.replace(".", "/")
        raise AuthoringError(
            f"{folder} has no task",
            f"add a function with @task(...) to a file in {folder}/collectors/",
        )


def _check_dependencies(tasks: Iterable[DeclaredTask]) -> None:
    specs = {task.spec.name: task.spec for task in tasks}
    for task in tasks:
        for name in task.spec.depends_on:
            problem = f"{task.place}: task {task.spec.name!r} depends on {name!r}"
            if name not in specs:
                raise AuthoringError(
                    f"{problem}, which no task is named{did_you_mean(name, specs)}",
                    "correct the name in depends_on",
                )
            if name == task.spec.name:
                raise AuthoringError(f"{problem}, itself", "remove it from depends_on")
            if specs[name].position > task.spec.position:
                raise AuthoringError(
                    f"{problem}, which runs later ({specs[name].type}, order {specs[name].order})",
                    _order_advice(task.spec, specs[name]),
                )


def _order_advice(task: TaskSpec, later: TaskSpec) -> str:
    if task.type is not later.type:
        return f"every {task.type} runs before every {later.type}: remove it from depends_on"
    return f"tasks of one type run by order, then name: give {task.name!r} a higher order"
