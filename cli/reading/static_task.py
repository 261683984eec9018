"""A task as its file declares it, read from the decorator without importing anything."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.reading.source_file import SourceFile, constants_of, literal
from utils.decorators import checked_spec
from utils.errors import AuthoringError
from utils.tasks import TaskSpec

DECORATOR = "utils.decorators.task"
_POSITIONAL = ("name", "title", "description")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class StaticTask:
    """A decorated function; without `spec` where its decorator is wrong or cannot be read."""

    file: SourceFile
    line: int
    function: Function
    spec: TaskSpec | None = None
    problem: AuthoringError | None = None
    computed: tuple[str, ...] = ()  # arguments that only running the file would tell

    @property
    def place(self) -> str:
        """`integrations/x/collectors/y.py:12`."""
        return f"{self.file.path}:{self.line}"


def tasks_of(file: SourceFile) -> Iterator[StaticTask]:
    """Yield the tasks that a file declares."""
    constants: Mapping[str, Any] | None = None
    functions: list[Function] = [
        *file.nodes_of(ast.FunctionDef),
        *file.nodes_of(ast.AsyncFunctionDef),
    ]
    for node in sorted(functions, key=lambda one: one.lineno):
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if file.name_of(called) == DECORATOR:
                constants = constants_of(file) if constants is None else constants
                yield _task(file, node, decorator, constants)


def _task(
    file: SourceFile, function: Function, decorator: ast.expr, constants: Mapping[str, Any]
) -> StaticTask:
    line = decorator.lineno
    if not isinstance(decorator, ast.Call):
        problem = AuthoringError(
            "a task: @task has no arguments", 'write @task(name="...", title="...")'
        )
        return StaticTask(file, line, function, None, problem)
    arguments, computed = _arguments(decorator, constants)
    if computed:
        return StaticTask(file, line, function, None, None, tuple(computed))
    place = f"{file.path}:{line}"
    try:
        return StaticTask(file, line, function, checked_spec(place, arguments))
    except AuthoringError as error:
        reason = error.reason.removeprefix(f"{place}: ")
        return StaticTask(file, line, function, None, AuthoringError(reason, error.advice))


def _arguments(call: ast.Call, constants: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    given: list[tuple[str, ast.expr]] = list(zip(_POSITIONAL, call.args, strict=False))
    given += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
    found: dict[str, Any] = {}
    computed = ["**"] if any(keyword.arg is None for keyword in call.keywords) else []
    computed += ["*"] if any(isinstance(one, ast.Starred) for one in call.args) else []
    for name, value in given:
        try:
            found[name] = literal(value, constants)
        except ValueError:
            computed.append(name)
    return found, computed
