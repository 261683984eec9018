"""One file of an integration as it is read: its text, its syntax tree, or why there is none."""

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from cli.reading.names import dotted_name, imported_modules, imported_names

Node = TypeVar("Node", bound=ast.AST)

LIMIT_BYTES = 2 * 1024 * 1024
NODE_LIMIT = 200_000
_IGNORE = re.compile(r"#\s*trueline:\s*ignore\[([\w\s,-]*)\]")
_TOO_DEEP = "it is nested too deeply to be read"


@dataclass(frozen=True)
class Trouble:
    """Why a file cannot be read, and where."""

    line: int
    what: str
    is_syntax: bool = False


@dataclass(frozen=True)
class SourceFile:
    """A text file; `path` is what is shown, relative to the repository."""

    path: str
    text: str
    tree: ast.Module | None = None  # of a Python file that can be parsed
    trouble: Trouble | None = None
    nodes: tuple[ast.AST, ...] = ()  # of the tree, outer ones first

    @cached_property
    def lines(self) -> list[str]:
        """Its lines without their ends."""
        return self.text.splitlines()

    @cached_property
    def _by_kind(self) -> Mapping[type[ast.AST], Sequence[Any]]:
        found: dict[type[ast.AST], list[ast.AST]] = {}
        for node in self.nodes:
            found.setdefault(type(node), []).append(node)
        return found

    def nodes_of(self, kind: type[Node]) -> Sequence[Node]:
        """Return the nodes of just this kind."""
        return self._by_kind.get(kind, ())

    @cached_property
    def imports(self) -> Mapping[str, str]:
        """The names that its imports give, each with the dotted name of what it stands for."""
        nodes = (*self.nodes_of(ast.Import), *self.nodes_of(ast.ImportFrom))
        return imported_names(nodes, self.package)

    @property
    def package(self) -> str:
        """The package whose module it is, for its relative imports."""
        return self.path.rpartition("/")[0].replace("/", ".")

    def name_of(self, node: ast.AST) -> str:
        """Return the dotted name that an expression stands for, through its imports; or ''."""
        dotted = dotted_name(node)
        head, dot, rest = dotted.partition(".")
        return f"{self.imports.get(head, head)}{dot}{rest}"

    def ignores(self, line: int, rule: str) -> bool:
        """Tell whether a comment in this line excuses it from a rule."""
        if not 0 < line <= len(self.lines):
            return False
        found = _IGNORE.search(self.lines[line - 1])
        return found is not None and rule in [one.strip() for one in found[1].split(",")]


def read_source(file: Path, path: str) -> SourceFile:
    """Read a text file; what cannot be read or parsed is told in `trouble`, never raised."""
    try:
        with file.open("rb") as stream:
            content = stream.read(LIMIT_BYTES + 1)
    except OSError as error:
        return SourceFile(path, "", None, Trouble(1, f"it cannot be read: {error.strerror}"))
    if len(content) > LIMIT_BYTES:
        what = f"it has more than {LIMIT_BYTES // 1024**2} MiB"
        return SourceFile(path, "", None, Trouble(1, what))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"it is not UTF-8: byte {error.start} is {content[error.start]:#04x}"
        return SourceFile(path, "", None, Trouble(line, what))
    return _parsed(path, text) if path.endswith(".py") else SourceFile(path, text)


def _parsed(path: str, text: str) -> SourceFile:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is for the author's linter
            tree = ast.parse(text)
        nodes = tuple(islice(_walk(tree), NODE_LIMIT + 1))
        if len(nodes) > NODE_LIMIT:
            return SourceFile(path, text, None, Trouble(1, "it is too large to be read as code"))
    except SyntaxError as error:
        deep = "too many nested" in error.msg or "too complex" in error.msg
        said = _TOO_DEEP if deep else error.msg
        return SourceFile(path, text, None, Trouble(error.lineno or 1, said, is_syntax=not deep))
    except (RecursionError, MemoryError):
        return SourceFile(path, text, None, Trouble(1, _TOO_DEEP))
    except ValueError as error:  # a NUL
        return SourceFile(path, text, None, Trouble(1, str(error), is_syntax=True))
    return SourceFile(path, text, tree, None, nodes)


def _walk(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what `ast.walk` does, in half the time and without the nodes that say nothing."""
    pending: list[ast.AST] = [tree]
    for node in pending:  # grows while it is walked
        yield node
        for value in vars(node).values():
            if isinstance(value, ast.AST):
                if not isinstance(value, ast.expr_context):
                    pending.append(value)
            elif isinstance(value, list):
                pending += [one for one in value if isinstance(one, ast.AST)]


def modules_of(file: SourceFile) -> Iterator[tuple[int, str]]:
    """Yield the line and the absolute name of every module that a file imports."""
    nodes = (*file.nodes_of(ast.Import), *file.nodes_of(ast.ImportFrom))
    return imported_modules(nodes, file.package)


def literal(node: ast.AST, constants: Mapping[str, Any]) -> Any:
    """Return the value of an expression of literals; raises ValueError for another."""
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("not a literal") from error


def constants_of(file: SourceFile) -> dict[str, Any]:
    """Return the literals that a module gives a name at its top."""
    found: dict[str, Any] = {}
    for node in file.tree.body if file.tree else ():
        targets = node.targets if isinstance(node, ast.Assign) else ()
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node, ast.Assign):
                try:
                    found[target.id] = literal(node.value, found)
                except ValueError:
                    found.pop(target.id, None)
    return found
