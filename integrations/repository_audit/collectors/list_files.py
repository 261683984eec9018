"""Lists what the audited commit holds."""

from typing import Any

from integrations.repository_audit.tree import Entry, read_tree
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

MOST_FILES = 60_000  # so many fit a result of 16 MiB


@task(
    name="list_files",
    title="List files",
    description="Every file of the audited commit with its size and mode",
    type="collector",
)
def list_files(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List files, symlinks and submodules; of very many, the largest and those at the top."""
    tree = read_tree(ctx.base("clone"))
    total_bytes = sum(entry.size_bytes for entry in tree)
    return {
        "data": {
            "commit": ctx.base("commit"),
            "total_files": len(tree),
            "total_bytes": total_bytes,
            "files": [_shown(entry) for entry in listed(tree)],
        },
        "message": f"{len(tree):,} files, {total_bytes / 1024**2:,.1f} MiB",
    }


def listed(tree: list[Entry], most: int = MOST_FILES) -> list[Entry]:
    """Return the entries that a result has room for; no insight needs a small, deep one."""
    if len(tree) <= most:
        return tree
    by_need = sorted(tree, key=lambda entry: ("/" in entry.path, -entry.size_bytes))
    return sorted(by_need[:most], key=lambda entry: entry.path)


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "path": entry.path,
        "size_bytes": entry.size_bytes,
        "mode": entry.mode,
        "kind": entry.kind,
        "is_binary": entry.looks_binary,
    }
