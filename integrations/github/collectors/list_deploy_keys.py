"""Lists deploy keys."""

from collections.abc import Mapping
from typing import Any

from integrations.github.api import GitHub, Repository, address, sweep
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="list_deploy_keys",
    title="List deploy keys",
    description="Keys that open one repository, with their last use and whether they may write",
    type="collector",
    depends_on=("list_repositories",),
)
def list_deploy_keys(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List them for each repository, archived ones too."""
    repositories = ctx.get_data("list_repositories")["repositories"]
    rows = sweep(ctx, repositories, deploy_keys)
    count = sum(len(row["found"] or ()) for row in rows)
    return {"data": {"repositories": rows}, "message": counted(count, "deploy key")}


def deploy_keys(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """Return the keys of one repository that are not switched off by a policy."""
    keys = github.listed(address(repository, "keys"))
    return [_kept(key) for key in keys if key.get("enabled") is not False]


def _kept(key: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": key["id"],
        "title": key["title"],
        "read_only": bool(key["read_only"]),
        "created_at": key["created_at"],
        "last_used": key.get("last_used"),
        "added_by": key.get("added_by"),
    }
