"""What a page tells of an integration: read from its manifest entry, decorators and docstrings."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.pages.properties import Property, example_config, properties_of
from cli.pages.static_models import Model, models_of
from cli.reading.integration_folder import IntegrationFolder, class_attribute
from cli.reading.manifest_file import PlacedEntry
from cli.reading.names import dotted_name
from cli.reading.static_task import StaticTask
from utils.tasks import TaskSpec, TaskType


@dataclass(frozen=True)
class TaskRow:
    """A task with its docstring."""

    spec: TaskSpec
    path: str
    description: str
    keys: tuple[str, ...]  # of its data, where a `return` writes them out


@dataclass(frozen=True)
class PageFacts:
    """Everything that a page is filled from."""

    name: str
    title: str
    description: str
    hosts: tuple[str, ...] | None
    properties: tuple[Property, ...]
    example: Mapping[str, Any]
    collectors: tuple[TaskRow, ...]
    insights: tuple[TaskRow, ...]
    reconcilers: tuple[TaskRow, ...]
    set_up: str
    parallel_tasks: int
    models: tuple[Model, ...]
    requirements: tuple[str, ...]
    pages: tuple[str, ...]  # the ways in which it reads further pages
    uses_http: bool
    uses_cache: bool
    has_tests: bool

    @property
    def secrets(self) -> tuple[Property, ...]:
        """The settings that are secrets."""
        return tuple(one for one in self.properties if one.is_secret)


def facts_of(folder: IntegrationFolder, entry: PlacedEntry | None) -> PageFacts:
    """Read what a page tells; what cannot be read is left out."""
    value = entry.value if entry and isinstance(entry.value, Mapping) else {}
    schema = entry.schema if entry else {}
    hosts = value.get("hosts")
    rows = sorted(
        (_row(task) for task in folder.tasks if task.spec), key=lambda row: row.spec.position
    )
    return PageFacts(
        name=folder.name,
        title=str(value.get("title") or folder.name),
        description=str(value.get("description") or ""),
        hosts=tuple(map(str, hosts)) if isinstance(hosts, list) else None,
        properties=tuple(properties_of(schema)),
        example=example_config(schema),
        collectors=tuple(row for row in rows if row.spec.type is TaskType.COLLECTOR),
        insights=tuple(row for row in rows if row.spec.type is TaskType.INSIGHT),
        reconcilers=tuple(row for row in rows if row.spec.type is TaskType.RECONCILER),
        set_up=_set_up(folder),
        parallel_tasks=_parallel_tasks(folder),
        models=models_of(folder),
        requirements=tuple(_requirements(folder)),
        pages=tuple(sorted(_used(folder, ("LinkPages", "CursorPages", "OffsetPages")))),
        uses_http=bool(_used(folder, ("http", "HTTPClient", "AsyncHTTPClient"))),
        uses_cache=bool(_used(folder, ("cache", "Cache"))),
        has_tests=any("/tests/test_" in file.path for file in folder.files),
    )


def _row(task: StaticTask) -> TaskRow:
    if task.spec is None:
        raise ValueError("a task that cannot be read")
    written = _first(ast.get_docstring(task.function))
    said = task.spec.description or written
    return TaskRow(task.spec, task.file.path, said, tuple(_data_keys(task)))


def _first(docstring: str | None) -> str:
    return " ".join((docstring or "").partition("\n\n")[0].split())


def _data_keys(task: StaticTask) -> Iterator[str]:
    seen: set[str] = set()
    for node in ast.walk(task.function):
        value = node.value if isinstance(node, ast.Return) else None
        pairs = zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ()
        for key, data in pairs:
            is_data = isinstance(key, ast.Constant) and key.value == "data"
            if is_data and isinstance(data, ast.Dict):
                names = [one.value for one in data.keys if isinstance(one, ast.Constant)]
                yield from (str(name) for name in names if name not in seen)
                seen.update(map(str, names))


def _set_up(folder: IntegrationFolder) -> str:
    """Return what StageOne says of itself: its `start`, else the class."""
    for node in folder.runner.body if folder.runner else ():
        if isinstance(node, ast.ClassDef) and node.name == "StageOne":
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == "start":
                    return _first(ast.get_docstring(inner)) or _first(ast.get_docstring(node))
            return _first(ast.get_docstring(node))
    return ""


def _parallel_tasks(folder: IntegrationFolder) -> int:
    if folder.runner is None or folder.entry is None:
        return 1
    found = class_attribute(folder.runner, "parallel_tasks", folder.entry)
    return found[1] if found and isinstance(found[1], int) else 1


def _requirements(folder: IntegrationFolder) -> Iterator[str]:
    file = folder.file("requirements.txt")
    for line in file.lines if file else ():
        text = line.partition("#")[0].partition(" --hash")[0].strip().removesuffix("\\").strip()
        if text and not text.startswith("--"):
            yield text


def _used(folder: IntegrationFolder, names: tuple[str, ...]) -> set[str]:
    """Return which of these names are called, or read off `ctx`."""
    found: set[str] = set()
    for file in folder.code:
        read = [it for it in file.nodes_of(ast.Attribute) if isinstance(it.value, ast.Name)]
        found |= {it.attr for it in read if dotted_name(it.value) == "ctx"}
        found |= {dotted_name(call.func) for call in file.nodes_of(ast.Call)}
    return found & set(names)
