"""Lists the repositories that everything else is asked about."""

from typing import Any

from integrations.github.api import GitHub
from integrations.github.repositories import read_repositories
from integrations.github.scope import read_scope
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="list_repositories",
    title="List repositories",
    description="The repositories of the organisation, or those that the config names",
    type="collector",
    order=10,
)
def list_repositories(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List them, and compare their number with the one that the organisation tells."""
    found = read_repositories(ctx, GitHub.of(ctx), read_scope(ctx.config))
    return {
        "data": {"repositories": found},
        "message": counted(len(found), "repository", "repositories"),
    }
