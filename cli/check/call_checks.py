"""Checks of calls that go wrong later: a config that is printed, a request without time-out."""

import ast
from collections.abc import Iterator

from cli.check import rules
from cli.check.finding import Finding
from cli.check.subject import Subject, found
from cli.reading.names import dotted_name
from cli.reading.source_file import SourceFile
from utils.concealed import is_secret_name

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_UNTIMED = {f"requests.{verb}" for verb in _VERBS} | {"urllib.request.urlopen"}
_WRITERS = ("print", "pprint.pprint", "pprint.pp", "sys.stdout.write", "sys.stderr.write")
_LOG_METHODS = (
    *("debug", "info", "warning", "error", "critical", "exception", "log"),
    *("add_log", "add_error"),
)
_OPTION_PLACE = {"urllib.request.urlopen": 2}


def call_findings(subject: Subject) -> Iterator[Finding]:
    """Check the calls in the integration's code."""
    for file in subject.folder.code:
        for call in file.nodes_of(ast.Call):
            yield from _request(file, call)
            yield from _printed(file, call)


def _request(file: SourceFile, call: ast.Call) -> Iterator[Finding]:
    name = file.name_of(call.func)
    if name not in _UNTIMED:
        return
    given = any(keyword.arg in {"timeout", None} for keyword in call.keywords)
    if not given and len(call.args) <= _OPTION_PLACE.get(name, 99):
        fix = "use ctx.http(...), which retries too, or add timeout=30"
        yield found(rules.REQUEST_TIMEOUT, file, call.lineno, f"{name} has no timeout", fix)


def _printed(file: SourceFile, call: ast.Call) -> Iterator[Finding]:
    is_method = isinstance(call.func, ast.Attribute) and call.func.attr in _LOG_METHODS
    if not is_method and file.name_of(call.func) not in _WRITERS:
        return
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        shown = next((said for said in map(_secret_of, _shown(argument)) if said), "")
        if shown:
            fix = "print the values that matter, by their names"
            yield found(rules.CONFIG_PRINTED, file, call.lineno, f"it prints {shown}", fix)
            return


def _shown(argument: ast.expr) -> Iterator[ast.AST]:
    """Yield what an argument shows as it is: itself, or the parts of an f-string."""
    yield argument
    if isinstance(argument, ast.JoinedStr):
        for part in argument.values:
            if isinstance(part, ast.FormattedValue):
                yield part.value
    if isinstance(argument, ast.Call):
        wraps = dotted_name(argument.func) in {"str", "repr", "dict", "json.dumps"}
        yield from argument.args if wraps else ()


def _secret_of(node: ast.AST) -> str:
    """Name the whole config, or a secret of it, where an expression is one."""
    if _is_config(node):
        return "the whole config"
    key: ast.AST | None = None
    if isinstance(node, ast.Subscript) and _is_config(node.value):
        key = node.slice
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        of_config = node.func.attr == "get" and _is_config(node.func.value)
        key = node.args[0] if of_config else None
    if isinstance(key, ast.Constant) and is_secret_name(str(key.value)):
        return f"{key.value!r} of the config"
    return ""


def _is_config(node: ast.AST) -> bool:
    return dotted_name(node) in {"self.config", "ctx.config", "config"}
