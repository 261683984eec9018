"""One integration's folder: its files, its Runner and its tasks, read without running them."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cli.reading.source_file import SourceFile, constants_of, read_source
from cli.reading.static_task import StaticTask, tasks_of
from utils.task_registry import FOLDERS
from utils.tree import INTEGRATIONS

FILE_LIMIT = 5_000
DEPTH_LIMIT = 40
# These have to be text; any other file is read where it happens to be.
TEXT = (".py", ".txt", ".json", ".md", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".env")
ENTRY = "entry.py"


@dataclass(frozen=True)
class Link:
    """A symbolic link and, where it leads out of the repository or nowhere, why it is refused."""

    path: str
    problem: str


@dataclass(frozen=True)
class IntegrationFolder:
    """The files of `integrations/<name>/`."""

    name: str
    path: Path
    files: tuple[SourceFile, ...]
    links: tuple[Link, ...] = ()
    is_cut: bool = False  # it has more files than are read

    @property
    def shown(self) -> str:
        """Its path in the repository."""
        return f"{INTEGRATIONS}/{self.name}"

    @cached_property
    def code(self) -> tuple[SourceFile, ...]:
        """Its Python files that a job could import: all but its tests."""
        tests = f"{self.shown}/tests/"
        return tuple(
            file
            for file in self.files
            if file.path.endswith(".py") and not file.path.startswith(tests)
        )

    @cached_property
    def tasks(self) -> tuple[StaticTask, ...]:
        """Every task that its code declares."""
        return tuple(task for file in self.code for task in tasks_of(file))

    @cached_property
    def entry(self) -> SourceFile | None:
        """Its entry.py."""
        return self.file(ENTRY)

    @cached_property
    def runner(self) -> ast.ClassDef | None:
        """The class Runner of its entry.py."""
        body = self.entry.tree.body if self.entry and self.entry.tree else []
        found = [node for node in body if isinstance(node, ast.ClassDef) and node.name == "Runner"]
        return found[-1] if found else None

    def file(self, name: str) -> SourceFile | None:
        """Return one of its files by its path in the folder."""
        wanted = f"{self.shown}/{name}"
        return next((file for file in self.files if file.path == wanted), None)

    def is_task_file(self, file: SourceFile) -> bool:
        """Tell whether the file is imported because of where it stands."""
        inner = file.path.removeprefix(f"{self.shown}/")
        return inner == ENTRY or inner.partition("/")[0].removesuffix(".py") in FOLDERS


def class_attribute(node: ast.ClassDef, name: str, file: SourceFile) -> tuple[int, object] | None:
    """Return the line and the literal that a class body gives to a name, or None."""
    constants = constants_of(file)
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        if any(isinstance(one, ast.Name) and one.id == name for one in targets):
            if isinstance(value, ast.Constant):
                return statement.lineno, value.value
            if isinstance(value, ast.Name) and value.id in constants:
                return statement.lineno, constants[value.id]
    return None


def read_folder(repository: Path, name: str) -> IntegrationFolder:
    """Read the folder of one integration; what is wrong with a file is told by the file."""
    home = repository / INTEGRATIONS / name
    files: list[SourceFile] = []
    links: list[Link] = []
    is_cut = False
    if home.is_symlink():
        links.append(Link(home.relative_to(repository).as_posix(), _link_problem(home, repository)))
    for path in () if any(link.problem for link in links) else _below(home, 0):
        shown = path.relative_to(repository).as_posix()
        if path.is_symlink():
            links.append(Link(shown, _link_problem(path, repository)))
        elif path.is_file():
            file = read_source(path, shown)
            if path.suffix in TEXT or not file.trouble:
                files.append(file)
        if len(files) + len(links) >= FILE_LIMIT:
            is_cut = True
            break
    return IntegrationFolder(name, home, tuple(files), tuple(links), is_cut)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        is_hidden = entry.name.startswith(".")
        if entry.is_dir(follow_symlinks=False):
            if depth < DEPTH_LIMIT and not is_hidden and entry.name != "__pycache__":
                yield from _below(Path(entry.path), depth + 1)
        elif not (is_hidden and entry.name.endswith(".py")):  # nothing imports such a file
            yield Path(entry.path)


def _link_problem(link: Path, repository: Path) -> str:
    target = link.readlink()
    try:
        resolved = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return f"its target {str(target)!r} is not there"
    if target.is_absolute() or not resolved.is_relative_to(repository.resolve()):
        return f"its target {str(target)!r} is outside the repository"
    return ""
