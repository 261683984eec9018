"""What names in a module stand for, as far as its imports tell."""

import ast
from collections.abc import Iterable, Iterator


def dotted_name(node: ast.AST) -> str:
    """Return `a.b.c` of an expression of names and attributes; '' of another."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def imported_names(nodes: Iterable[ast.AST], package: str) -> dict[str, str]:
    """Return each name that imports bind, with the dotted name that it stands for."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                found[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom):
            module = absolute_module(node, package)
            found |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
    return found


def absolute_module(node: ast.ImportFrom, package: str) -> str:
    """Return the absolute name of the module that a `from ... import` reads."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    home = parts[: len(parts) - node.level + 1]
    return ".".join([*home, *([node.module] if node.module else [])])


def imported_modules(nodes: Iterable[ast.AST], package: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the absolute name of every module that is imported."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, absolute_module(node, package)
