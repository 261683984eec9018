"""Lists branches with the age of their newest commit."""

from dataclasses import asdict
from typing import Any

from integrations.repository_audit.history import read_branches
from integrations.repository_audit.resources import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="list_branches",
    title="List branches",
    description="Every branch with its newest commit, and whether the default branch has it",
    type="collector",
)
def list_branches(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List every branch of the audited repository."""
    clone = ctx.base("clone")
    if clone.history_is_cut:
        ctx.add_log("the repository is a shallow clone: a merged branch may look unmerged")
    branches = read_branches(clone)
    return {
        "data": {
            "default_branch": clone.default_branch,
            "branches": [asdict(branch) for branch in branches],
        },
        "message": counted(len(branches), "branch", "branches"),
    }
