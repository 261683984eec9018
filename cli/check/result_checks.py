"""Checks of what tasks return, where a `return` writes it out."""

import ast
from collections.abc import Iterator

from cli.check import rules
from cli.check.finding import Finding
from cli.check.subject import Subject, found
from cli.reading.static_task import StaticTask
from utils.suggest import did_you_mean
from utils.tasks import Severity, TaskType

_KEYS = {
    TaskType.COLLECTOR: ("data", "message"),
    TaskType.INSIGHT: ("data", "message", "violation", "resources"),
}
_RESOURCE_KEYS = ("id", "message", "severity", "data")
_NO_RESULT = (ast.List, ast.Tuple, ast.Set, ast.Constant, ast.JoinedStr, ast.ListComp)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def result_findings(subject: Subject) -> Iterator[Finding]:
    """Check the results of collectors and insights."""
    for task in subject.folder.tasks:
        if task.spec and task.spec.type in _KEYS:
            yield from _returns(task, task.spec.type)


def _returns(task: StaticTask, kind: TaskType) -> Iterator[Finding]:
    returns = [node for node in _own_nodes(task) if isinstance(node, ast.Return)]
    name = task.function.name
    if not returns and not _never_ends(task):
        what = f"{name} returns nothing"
        fix = 'return {"data": {...}}'
        yield found(rules.RESULT_SHAPE, task.file, task.function.lineno, what, fix)
    for node in returns:
        value = node.value
        if value is None or isinstance(value, _NO_RESULT):
            what = f"{name} returns {_said(value)}, and a task returns a dict"
            fix = 'return {"data": {...}}'
            yield found(rules.RESULT_SHAPE, task.file, node.lineno, what, fix)
        elif isinstance(value, ast.Dict):
            yield from _dict(task, kind, value)


def _own_nodes(task: StaticTask) -> Iterator[ast.AST]:
    """Yield the nodes of a task's body, without those of functions and classes inside it."""
    pending: list[ast.AST] = list(reversed(task.function.body))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _SCOPES):
            pending += reversed(list(ast.iter_child_nodes(node)))


def _never_ends(task: StaticTask) -> bool:
    last = task.function.body[-1]
    return isinstance(last, (ast.Raise, ast.While, ast.With, ast.Try)) or any(
        isinstance(node, (ast.Yield, ast.YieldFrom)) for node in _own_nodes(task)
    )


def _said(value: ast.expr | None) -> str:
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        return "None"
    return {ast.List: "a list", ast.Tuple: "a tuple", ast.Set: "a set"}.get(
        type(value), "something else"
    )


def _dict(task: StaticTask, kind: TaskType, value: ast.Dict) -> Iterator[Finding]:
    keys = _keys(value)
    if keys is None:
        return  # computed or unpacked: only running it would tell
    known = _KEYS[kind]
    for key, node in keys.items():
        if key not in known:
            what = f"{task.function.name}: a result of an {kind} has no key {key!r}"
            fix = f"its keys are {', '.join(known)}{did_you_mean(key, known)}"
            if kind is TaskType.COLLECTOR:
                what = what.replace("an c", "a c")
                if key in _KEYS[TaskType.INSIGHT]:
                    fix = "a collector gathers and an insight judges: move it to an insight"
            yield found(rules.RESULT_SHAPE, task.file, node.lineno, what, fix)
    if "data" not in keys:
        what = f"{task.function.name}: the result has no 'data'"
        fix = 'add "data": {...}; {} where there is nothing to keep'
        yield found(rules.RESULT_SHAPE, task.file, value.lineno, what, fix)
    yield from _values(task, keys)
    yield from _judgement(task, keys)


def _judgement(task: StaticTask, keys: dict[str, ast.expr]) -> Iterator[Finding]:
    name = task.function.name
    violation, resources = keys.get("violation"), keys.get("resources")
    if isinstance(violation, _NO_RESULT) and not (
        isinstance(violation, ast.Constant) and isinstance(violation.value, bool)
    ):
        what = f"{name}: 'violation' is neither True nor False"
        yield found(rules.RESULT_SHAPE, task.file, violation.lineno, what, "write bool(...)")
    if isinstance(resources, (ast.Dict, ast.JoinedStr)) or (
        isinstance(resources, ast.Constant) and resources.value is not None
    ):
        what = f"{name}: 'resources' is no list"
        fix = 'write [{"id": "..."}], one for each violation'
        yield found(rules.RESULT_SHAPE, task.file, resources.lineno, what, fix)


def _values(task: StaticTask, keys: dict[str, ast.expr]) -> Iterator[Finding]:
    name = task.function.name
    data, message, resources = keys.get("data"), keys.get("message"), keys.get("resources")
    if isinstance(data, (ast.Constant, ast.JoinedStr)):
        what = f"{name}: 'data' is neither a dict nor a list"
        yield found(rules.RESULT_SHAPE, task.file, data.lineno, what, "put it into a dict")
    if isinstance(message, (ast.Dict, ast.List)) or (
        isinstance(message, ast.Constant) and not isinstance(message.value, (str, type(None)))
    ):
        what = f"{name}: 'message' is not text"
        yield found(rules.RESULT_SHAPE, task.file, message.lineno, what, "write it as a sentence")
    element: ast.expr | None = None
    if isinstance(resources, ast.ListComp):
        element = resources.elt
    for item in [element] if element else getattr(resources, "elts", ()):
        if isinstance(item, ast.Dict):
            yield from _resource(task, item)


def _resource(task: StaticTask, item: ast.Dict) -> Iterator[Finding]:
    keys = _keys(item)
    if keys is None:
        return
    name = task.function.name
    if "id" not in keys:
        what = f"{name}: a resource has no 'id'"
        fix = 'add "id": a text that names it from one run to the next'
        yield found(rules.RESULT_SHAPE, task.file, item.lineno, what, fix)
    for key, node in keys.items():
        if key not in _RESOURCE_KEYS:
            what = f"{name}: a resource has no key {key!r}{did_you_mean(key, _RESOURCE_KEYS)}"
            fix = f"its keys are {', '.join(_RESOURCE_KEYS)}; put more under data"
            yield found(rules.RESULT_SHAPE, task.file, node.lineno, what, fix)
    severity = keys.get("severity")
    known = [one.value for one in Severity]
    if isinstance(severity, ast.Constant) and severity.value not in (*known, None):
        nearest = did_you_mean(str(severity.value), known)
        what = f"{name}: unknown severity {severity.value!r:.80}{nearest}"
        fix = f"it is one of {', '.join(known)}"
        yield found(rules.RESULT_SHAPE, task.file, severity.lineno, what, fix)


def _keys(value: ast.Dict) -> dict[str, ast.expr] | None:
    """Return the keys of a dict that writes them all out, with their values; None of another."""
    found_keys: dict[str, ast.expr] = {}
    for key, node in zip(value.keys, value.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        found_keys[key.value] = node
    return found_keys
