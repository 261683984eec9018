"""Which modules an integration's files import, read from their text: nothing of it is run."""

import ast
from collections.abc import Iterator
from pathlib import Path

ALWAYS = ("utils.http", "utils.task_tools", "utils.exchange_play")  # what `ctx` loads on demand


def imported_modules(folder: Path) -> tuple[str, ...]:
    """Return the modules, without those of integrations, that every rerun needs again."""
    found = set(ALWAYS)
    for path in folder.rglob("*.py"):
        if "tests" not in path.relative_to(folder).parts:
            found.update(_imports_of(path))
    return tuple(sorted(found))


def _imports_of(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return  # the run will say so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] != "integrations")
