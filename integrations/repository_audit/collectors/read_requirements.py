"""Reads every file that says what Python packages the repository needs."""

from collections import Counter
from typing import Any

from integrations.repository_audit.clone import Clone
from integrations.repository_audit.pip_files import included_files, is_pip_file, read_pip_file
from integrations.repository_audit.pyproject_files import read_pyproject
from integrations.repository_audit.resources import counted
from integrations.repository_audit.tree import Entry, Kind, read_contents, read_tree
from integrations.repository_audit.wanted import Wanted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

LARGEST_BYTES = 4 * 1024 * 1024
MOST_REQUIREMENTS = 30_000
LOCK_FILES = frozenset({"uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"})


@task(
    name="read_requirements",
    title="Read requirements",
    description="Requirements, constraints and pyproject.toml files, line by line",
    type="collector",
)
def read_requirements(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Read requirement files, and the ones that they include."""
    clone = ctx.base("clone")
    files = {entry.path: entry for entry in read_tree(clone) if entry.kind is Kind.FILE}
    for path in wanted_paths(files):
        if files[path].size_bytes > LARGEST_BYTES:
            ctx.mark_partial(f"{path} is larger than {LARGEST_BYTES // 1024**2} MiB: not read")
    found = read_all(clone, files)
    if len(found) > MOST_REQUIREMENTS:
        ctx.mark_partial(f"{len(found):,} requirements, of which {MOST_REQUIREMENTS:,} are kept")
    counts = Counter(wanted.place.path for wanted in found)
    return {
        "data": {
            "files": [{"path": path, "requirements": counts[path]} for path in sorted(counts)],
            "lock_files": sorted(path for path in files if path.split("/")[-1] in LOCK_FILES),
            "requirements": [_shown(wanted) for wanted in found[:MOST_REQUIREMENTS]],
        },
        "message": f"{counted(len(found), 'requirement')} in {counted(len(counts), 'file')}",
    }


def wanted_paths(files: dict[str, Entry]) -> list[str]:
    """Return the paths that are requirement files by their name."""
    return [path for path in files if _is_pyproject(path) or is_pip_file(path)]


def read_all(clone: Clone, files: dict[str, Entry]) -> list[Wanted]:
    """Read requirement files and, whatever their names are, the files that they include."""
    found: list[Wanted] = []
    seen: set[str] = set()
    waiting = wanted_paths(files)
    while waiting:
        seen.update(waiting)
        readable = [files[path] for path in waiting if files[path].size_bytes <= LARGEST_BYTES]
        included: set[str] = set()
        for entry, contents in read_contents(clone, readable):
            text = contents.decode(errors="replace")
            if _is_pyproject(entry.path):
                found.extend(read_pyproject(entry.path, text))
            else:
                found.extend(read_pip_file(entry.path, text))
                included.update(included_files(entry.path, text))
        waiting = sorted((included & files.keys()) - seen)
    return found


def _is_pyproject(path: str) -> bool:
    return path.rpartition("/")[2] == "pyproject.toml"


def _shown(wanted: Wanted) -> dict[str, Any]:
    return {
        "path": wanted.place.path,
        "line": wanted.place.line,
        "origin": wanted.place.origin,
        "group": wanted.place.group,
        "name": wanted.name,
        "specifier": wanted.specifier,
        "pinned": wanted.pinned,
        "hashed": wanted.hashed,
        "local": wanted.local,
        "problem": wanted.problem,
    }
