"""Values with the names that a file gives them: Python by its syntax, other files by their lines.

JSON, YAML, TOML, INI, `.env` files and prose all write `name: value` or `name = value`.
"""

import ast
import re
from collections.abc import Iterator

from cli.reading.source_file import SourceFile

LINE_LIMIT = 20_000
# Every repetition is bounded: a long line must not make the search slow.
_PAIR = re.compile(
    r"""
    (?: ^ | [\s,;{(\[&?"'\\] )
    ( [A-Za-z_][\w.-]{0,99} ) \\? ["']? \s{0,8} (?: => | [:=] ) \s{0,8}
    (?: \\?" ( [^"\\]{1,500} ) | \\?' ( [^'\\]{1,500} )
      | (?: (?:Bearer|Basic|Token) \s{1,4} )? ( [^\s,;&"'\\}\])]{1,500} ) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:Bearer|Basic|Token)\s+", re.IGNORECASE)

NamedValue = tuple[int, str, str]  # the line, the name, and its value


def named_values(file: SourceFile) -> Iterator[NamedValue]:
    """Yield the strings that a file gives a name."""
    yield from _of_code(file) if file.path.endswith(".py") else _of_lines(file)


def _of_lines(file: SourceFile) -> Iterator[NamedValue]:
    for number, line in enumerate(file.lines, 1):
        for found in _PAIR.finditer(line[:LINE_LIMIT]):
            name, *values = found.groups()
            value = next(one for one in values if one is not None)
            yield number, name.rpartition(".")[2], _SCHEME.sub("", value, count=1)


def _of_code(file: SourceFile) -> Iterator[NamedValue]:
    kinds = (ast.Assign, ast.AnnAssign, ast.keyword, ast.Dict)
    for node in (node for kind in kinds for node in file.nodes_of(kind)):
        for name, value in _bindings(node):
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.lineno, name, value.value


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield what a node gives a name: assignments, keywords, and items of a dict."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield _last_name(target), node.value
    elif isinstance(node, ast.AnnAssign) and node.value:
        yield _last_name(node.target), node.value
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def _last_name(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""
