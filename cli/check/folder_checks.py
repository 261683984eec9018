"""Checks of an integration's folder: links, files that can be read, entry.py and its Runner."""

import ast
from collections.abc import Iterator

from cli.check import rules
from cli.check.finding import Finding
from cli.check.subject import Subject, found
from cli.reading.integration_folder import FILE_LIMIT, class_attribute
from utils.suggest import did_you_mean
from utils.task_registry import FOLDERS
from utils.tasks import MOST_PARALLEL_TASKS


def folder_findings(subject: Subject) -> Iterator[Finding]:
    """Check what stands in the folder, and its entry.py."""
    folder = subject.folder
    if folder.is_cut:
        what = f"{folder.shown} has more than {FILE_LIMIT:,} files"
        yield Finding(rules.FILE_UNREADABLE, folder.shown, 1, what, "keep data out of it")
    for link in folder.links:
        if link.problem:
            fix = "replace it by a file, or by a relative link within the repository"
            yield Finding(rules.LINK_OUTSIDE, link.path, 1, link.problem, fix)
    for file in folder.files:
        if trouble := file.trouble:
            rule = rules.SYNTAX if trouble.is_syntax else rules.FILE_UNREADABLE
            fix = "correct that line" if trouble.is_syntax else "save it as a smaller, plain text"
            yield found(rule, file, trouble.line, trouble.what, fix)
    yield from _names(subject)
    yield from _entry(subject)


def _names(subject: Subject) -> Iterator[Finding]:
    folder = subject.folder
    for file in folder.code:
        stem = file.path.rpartition("/")[2].removesuffix(".py")
        inner = file.path.removeprefix(f"{folder.shown}/")
        if "." in stem and inner.partition("/")[0] in FOLDERS:
            fix = f"rename it to {stem.replace('.', '_')}.py"
            yield found(rules.FILE_NAME, file, 1, f"{stem}.py has dots in its name", fix)


def _entry(subject: Subject) -> Iterator[Finding]:
    folder = subject.folder
    entry = folder.entry
    if entry is None:
        if not any(link.path == f"{folder.shown}/entry.py" for link in folder.links):
            what = f"the folder {folder.shown} has no entry.py"
            fix = "add one with `class Runner(BaseRunner): ...`"
            yield Finding(rules.ENTRY_MISSING, folder.shown, 1, what, fix)
        return
    if entry.tree is None:
        return
    if folder.runner is None:
        if "Runner" not in entry.imports and not _is_assigned(entry.tree):
            classes = [node.name for node in entry.nodes_of(ast.ClassDef)]
            what = f"there is no class Runner{did_you_mean('Runner', classes)}"
            fix = "add `class Runner(BaseRunner): ...`, imported from utils.base_runner"
            yield found(rules.RUNNER_MISSING, entry, 1, what, fix)
        return
    yield from _runner(subject, folder.runner)


def _is_assigned(tree: ast.Module) -> bool:
    return any(
        isinstance(target, ast.Name) and target.id == "Runner"
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
    )


def _runner(subject: Subject, runner: ast.ClassDef) -> Iterator[Finding]:
    folder, entry = subject.folder, subject.folder.entry
    if entry is None:
        return
    if not runner.bases:
        fix = "write `class Runner(BaseRunner):`"
        yield found(
            rules.RUNNER_MISSING, entry, runner.lineno, "Runner does not extend BaseRunner", fix
        )
    name = class_attribute(runner, "name", entry)
    if name and name[1] and name[1] != folder.name:
        what = f"Runner.name is {name[1]!r:.80}, and the folder is {folder.name!r}"
        yield found(rules.RUNNER_NAME, entry, name[0], what, "make them the same, or leave it out")
    most = class_attribute(runner, "parallel_tasks", entry)
    if most and not (type(most[1]) is int and 1 <= most[1] <= MOST_PARALLEL_TASKS):
        what = f"Runner.parallel_tasks is {most[1]!r:.80}"
        fix = f"give a whole number from 1 to {MOST_PARALLEL_TASKS}"
        yield found(rules.RUNNER_STAGE, entry, most[0], what, fix)
    for node in runner.body:
        if isinstance(node, ast.ClassDef) and node.name in {"StageOne", "StageTwo"}:
            yield from _stage(subject, node)


def _stage(subject: Subject, stage: ast.ClassDef) -> Iterator[Finding]:
    entry = subject.folder.entry
    if entry is None:
        return
    if not stage.bases:
        what = f"Runner.{stage.name} does not extend BaseRunner.{stage.name}"
        fix = f"write `class {stage.name}(BaseRunner.{stage.name}):`"
        yield found(rules.RUNNER_STAGE, entry, stage.lineno, what, fix)
    for node in stage.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "start":
            what = f"{stage.name}.start is async"
            fix = "write `def start(self):`, and asyncio.run(...) inside it where it is needed"
            yield found(rules.RUNNER_STAGE, entry, node.lineno, what, fix)
