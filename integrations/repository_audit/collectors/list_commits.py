"""Lists recent commits and who wrote them."""

from dataclasses import asdict
from typing import Any

from integrations.repository_audit.history import read_commits
from integrations.repository_audit.resources import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="list_commits",
    title="List commits",
    description="The newest commits that lead to the audited one",
    type="collector",
)
def list_commits(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List at most `max_commits` commits, newest first."""
    clone = ctx.base("clone")
    most = int(ctx.config.get("max_commits", 500))
    commits = read_commits(clone, most)
    if clone.history_is_cut and len(commits) < most:
        ctx.mark_partial("the repository is a shallow clone: older commits cannot be seen")
    return {
        "data": {"max_commits": most, "commits": [asdict(commit) for commit in commits]},
        "message": counted(len(commits), "commit"),
    }
