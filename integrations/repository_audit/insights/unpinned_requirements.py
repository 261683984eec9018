"""Judges requirements: an application installs the same packages today and tomorrow."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.repository_audit.resources import counted, judged, resource
from integrations.repository_audit.sample_paths import is_sample_path, is_test_data
from integrations.repository_audit.wanted import Origin
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

Wanted = Mapping[str, Any]


@task(
    name="unpinned_requirements",
    title="Requirements are pinned",
    description="Requirements that may bring another version at the next installation",
    type="insight",
    severity="medium",
)
def unpinned_requirements(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report what no `==`, hash, commit, constraint or lock file holds in place."""
    data = ctx.get_data("read_requirements")
    requirements = data["requirements"]
    resources = requirement_resources(requirements, data["lock_files"])
    return judged(
        resources,
        f"all {counted(len(requirements), 'requirement')} are held in place"
        if requirements
        else "the repository has no requirement files",
        f"{counted(len(resources), 'requirement')} of {len(requirements):,} not held in place",
    )


def requirement_resources(
    requirements: Iterable[Wanted], lock_files: Iterable[str]
) -> list[dict[str, Any]]:
    """Return a resource for each file and name that is not held in place."""
    wanted = [item for item in requirements if not is_test_data(item["path"])]
    pinned = {item["name"] for item in wanted if item["name"] and item["pinned"]}
    constrained = {
        item["name"] for item in wanted if item["pinned"] and item["origin"] == Origin.CONSTRAINTS
    }
    locked_folders = {path.rpartition("/")[0] for path in lock_files}
    resources: dict[str, dict[str, Any]] = {}
    for item in wanted:
        found = (
            _unreadable(item)
            or _unpinned(item, constrained)
            or _unbound(item, pinned, locked_folders)
        )
        if found is not None:
            resources.setdefault(found["id"], found)
    return list(resources.values())


def _unreadable(item: Wanted) -> dict[str, Any] | None:
    if not item["problem"] or is_sample_path(item["path"]):
        return None
    return resource(
        f"{item['path']}:unreadable:{item['problem']}",
        f"{_place(item)} is not a requirement ({item['problem']}). Correct it: pip refuses the "
        "whole file",
        "low",
        line=item["line"],
    )


def _unpinned(item: Wanted, constrained: set[str]) -> dict[str, Any] | None:
    """Judge what pip is told to install: each has to be held to one version."""
    held = item["pinned"] or item["hashed"] or item["local"] or item["problem"]
    if item["origin"] != Origin.REQUIREMENTS or held or item["name"] in constrained:
        return None
    shown = f"{item['name']}{item['specifier']}" if item["name"] else item["specifier"]
    return resource(
        f"{item['path']}:{item['name'] or item['specifier']}",
        f"{_place(item)}: {shown} may be another version tomorrow. Pin it with ==, or compile "
        "the file with pip-compile or uv pip compile",
        "low" if is_sample_path(item["path"]) else None,
        line=item["line"],
        name=item["name"],
        specifier=item["specifier"],
    )


def _unbound(item: Wanted, pinned: set[str], locked_folders: set[str]) -> dict[str, Any] | None:
    """Judge a package's own metadata: ranges are right there, no bound at all is not."""
    held = item["specifier"] or item["local"] or item["problem"] or item["name"] in pinned
    if item["origin"] != Origin.PROJECT or held or _is_locked(item["path"], locked_folders):
        return None
    return resource(
        f"{item['path']}:{item['group']}:{item['name']}",
        f"{_place(item)}: {item['name']} is taken in any version. Give the lowest one that "
        "works, or commit a lock file",
        "low",
        line=item["line"],
        name=item["name"],
        group=item["group"],
    )


def _is_locked(path: str, locked_folders: set[str]) -> bool:
    """Whether a lock file lies beside the file or above it, as in a workspace."""
    folder = path.rpartition("/")[0]
    return any(
        not locked or folder == locked or folder.startswith(f"{locked}/")
        for locked in locked_folders
    )


def _place(item: Wanted) -> str:
    return f"{item['path']} line {item['line']}"
