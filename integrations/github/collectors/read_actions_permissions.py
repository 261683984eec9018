"""Reads which actions workflows may use."""

from typing import Any

from integrations.github.api import GitHub, Repository, address, mark_unseen, row_of, sweep
from integrations.github.refusal import seen
from integrations.github.repositories import active
from integrations.github.scope import read_scope
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="read_actions_permissions",
    title="Read the permissions of Actions",
    description="Which actions workflows may use, in the organisation and in each repository",
    type="collector",
    depends_on=("list_repositories",),
)
def read_actions_permissions(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Read the organisation's policy, and that of each repository that can still change."""
    rows = sweep(ctx, active(ctx.get_data("list_repositories")["repositories"]), policy)
    organisation = read_scope(ctx.config).organisation
    own = None
    if organisation:
        own = row_of(organisation, seen(lambda: _organisation_policy(GitHub.of(ctx), organisation)))
        mark_unseen(ctx, [own])
    return {
        "data": {"organisation": own, "repositories": rows},
        "message": counted(len(rows), "repository", "repositories"),
    }


def policy(github: GitHub, repository: Repository) -> dict[str, Any]:
    """Return whether workflows run in a repository, and with which actions."""
    told = github.read(address(repository, "actions", "permissions"))
    return {"enabled": bool(told["enabled"]), "allowed": told.get("allowed_actions") or "none"}


def _organisation_policy(github: GitHub, name: str) -> dict[str, Any]:
    told = github.read(f"/orgs/{name}/actions/permissions")
    return {
        "enabled": told["enabled_repositories"] != "none",
        "allowed": told.get("allowed_actions") or "none",
    }
