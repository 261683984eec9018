"""Checks of an integration's tasks: what the decorators say, and how the tasks hang together."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from cli.check import rules
from cli.check.finding import Finding
from cli.check.subject import Subject, found
from cli.reading.source_file import modules_of
from cli.reading.static_task import StaticTask
from utils.suggest import did_you_mean
from utils.tasks import TaskSpec

_READS = ("get_data", "get_message", "succeeded")


def task_findings(subject: Subject) -> Iterator[Finding]:
    """Check every task of an integration."""
    tasks = subject.folder.tasks
    for task in tasks:
        yield from _declaration(task)
    if not tasks and all(file.tree for file in subject.folder.code) and subject.folder.code:
        what = f"{subject.folder.shown} has no task"
        fix = f"add a function with @task(...) to a file in {subject.folder.shown}/collectors/"
        yield Finding(rules.TASK_MISSING, subject.folder.shown, 1, what, fix)
    known = {task.spec.name: task for task in reversed(tasks) if task.spec}
    is_whole = all(task.spec for task in tasks) and all(file.tree for file in subject.folder.code)
    yield from _duplicates(tasks)
    yield from _places(subject)
    if is_whole:  # what cannot be read might be what is missing
        for task in tasks:
            yield from _dependencies(task, known)
            yield from _reads(task, known)
        yield from _cycles(known)


def _declaration(task: StaticTask) -> Iterator[Finding]:
    if task.problem:
        yield found(
            rules.TASK_ARGUMENT, task.file, task.line, task.problem.reason, task.problem.advice
        )
    if task.computed:
        what = f"{task.function.name}: {', '.join(task.computed)} of @task is computed"
        yield found(rules.TASK_COMPUTED, task.file, task.line, what, "write it as a literal")
    if task.spec and not task.spec.description:
        what = f"task {task.spec.name!r} has no description"
        fix = 'add description="..." with what it reads or judges'
        yield found(rules.TASK_DESCRIPTION, task.file, task.line, what, fix)
    arguments = task.function.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    needed = positional - len(arguments.defaults)
    takes_two = positional >= 2 or arguments.vararg is not None
    named = [default for default in arguments.kw_defaults if default is None]
    if needed > 2 or not takes_two or named:
        name = task.function.name
        what = f"{name} cannot be called with (self, ctx)"
        line = task.function.lineno
        yield found(rules.TASK_SIGNATURE, task.file, line, what, f"write `def {name}(self, ctx):`")


def _duplicates(tasks: Sequence[StaticTask]) -> Iterator[Finding]:
    first: dict[str, StaticTask] = {}
    for task in tasks:
        if task.spec and first.setdefault(task.spec.name, task) is not task:
            what = f"two tasks are named {task.spec.name!r}: {first[task.spec.name].place} and here"
            fix = "give one of them another name"
            yield found(rules.TASK_DUPLICATE, task.file, task.line, what, fix)


def _places(subject: Subject) -> Iterator[Finding]:
    folder = subject.folder
    imported = {module for file in folder.code for _, module in modules_of(file)} | {
        name for file in folder.code for name in file.imports.values()
    }
    for task in folder.tasks:
        module = task.file.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if not folder.is_task_file(task.file) and module not in imported:
            what = f"{task.function.name} stands in a file that no task folder holds"
            fix = f"move it to {folder.shown}/collectors/ or {folder.shown}/insights/"
            yield found(rules.TASK_PLACE, task.file, task.line, what, fix)


def _dependencies(task: StaticTask, known: Mapping[str, StaticTask]) -> Iterator[Finding]:
    spec = task.spec
    for name in spec.depends_on if spec else ():
        if spec is None:
            return
        problem = f"task {spec.name!r} depends on {name!r}"
        other = known[name].spec if name in known else None
        if other is None:
            what = f"{problem}, which no task is named{did_you_mean(name, known)}"
            yield found(rules.TASK_DEPENDENCY, task.file, task.line, what, "correct the name")
        elif name == spec.name:
            fix = "remove it from depends_on"
            yield found(rules.TASK_CYCLE, task.file, task.line, f"{problem}, itself", fix)
        elif other.position > spec.position and spec.name not in other.depends_on:
            what = f"{problem}, which runs later ({other.type}, order {other.order})"
            yield found(rules.TASK_DEPENDENCY, task.file, task.line, what, _order(spec, other))


def _order(spec: TaskSpec, later: TaskSpec) -> str:
    if spec.type is not later.type:
        return f"every {spec.type} runs before every {later.type}: remove it from depends_on"
    return f"tasks of one type run by order, then name: give {spec.name!r} a higher order"


def _cycles(known: Mapping[str, StaticTask]) -> Iterator[Finding]:
    """Tell each circle once, at the task of it that comes first by name."""
    for name in sorted(known):
        circle = _circle(name, known)
        if len(circle) > 1 and min(circle) == name:
            task = known[name]
            what = f"{' -> '.join([*circle, name])}: each depends on the next"
            yield found(rules.TASK_CYCLE, task.file, task.line, what, "take one of them out")


def _circle(start: str, known: Mapping[str, StaticTask]) -> list[str]:
    """Return the names on a way from a task back to itself; empty where there is none."""
    pending: list[tuple[str, tuple[str, ...]]] = [(start, (start,))]
    seen: set[str] = set()
    while pending:
        name, way = pending.pop()
        spec = known[name].spec
        for other in spec.depends_on if spec else ():
            if other == start:
                return list(way)
            if other in known and other not in seen:
                seen.add(other)
                pending.append((other, (*way, other)))
    return []


def _reads(task: StaticTask, known: Mapping[str, StaticTask]) -> Iterator[Finding]:
    """Look at what a task asks its ctx for by a name that is written there."""
    spec = task.spec
    for node in ast.walk(task.function):
        name = _asked_for(task, node)
        if name is None or spec is None:
            continue
        line = getattr(node, "lineno", task.line)
        other = known[name].spec if name in known else None
        if other is None:
            what = f"{spec.name} reads {name!r}, which no task is named{did_you_mean(name, known)}"
            yield found(rules.UPSTREAM_UNKNOWN, task.file, line, what, "correct the name")
        elif other.position >= spec.position:
            what = f"{spec.name} reads {name!r}, which runs later"
            fix = "read it in a task that runs after it, or change the order"
            yield found(rules.UPSTREAM_UNKNOWN, task.file, line, what, fix)


def _asked_for(task: StaticTask, node: ast.AST) -> str | None:
    arguments = [*task.function.args.posonlyargs, *task.function.args.args]
    ctx = arguments[1].arg if len(arguments) > 1 else ""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return None
    of_ctx = isinstance(node.func.value, ast.Name) and node.func.value.id == ctx
    first = node.args[0]
    named = isinstance(first, ast.Constant) and isinstance(first.value, str)
    if of_ctx and node.func.attr in _READS and named and isinstance(first, ast.Constant):
        return str(first.value)
    return None
