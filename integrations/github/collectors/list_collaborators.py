"""Lists who was given access to single repositories."""

from collections.abc import Mapping
from typing import Any

from integrations.github.api import GitHub, Repository, address, sweep
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

ROLES = ("admin", "maintain", "push", "triage", "pull")  # by what they allow


@task(
    name="list_collaborators",
    title="List collaborators",
    description="Who has access to a repository directly, and who of them is from outside",
    type="collector",
    depends_on=("list_repositories",),
)
def list_collaborators(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List them for each repository, archived ones too."""
    repositories = ctx.get_data("list_repositories")["repositories"]
    rows = sweep(ctx, repositories, direct_collaborators)
    people = {one["login"] for row in rows for one in row["found"] or ()}
    return {
        "data": {"repositories": rows},
        "message": f"{counted(len(people), 'person', 'people')} with access of their own",
    }


def direct_collaborators(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """Return who has access other than by being an owner or in a team."""
    path = address(repository, "collaborators")
    direct = github.listed(path, affiliation="direct")
    if repository["owner_type"] == "Organization":
        outside = {one["login"] for one in github.listed(path, affiliation="outside")}
    else:
        outside = {one["login"] for one in direct} - {repository["owner"]}
    return [
        {
            "login": one["login"],
            "role": highest_role(one.get("permissions") or {}),
            "outside": one["login"] in outside,
        }
        for one in direct
        if one["login"] != repository["owner"]
    ]


def highest_role(permissions: Mapping[str, bool]) -> str:
    """Return the standard role that a set of permissions amounts to."""
    return next((role for role in ROLES if permissions.get(role)), "none")
