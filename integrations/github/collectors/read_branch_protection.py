"""Reads how default branches are protected."""

from typing import Any

from integrations.github.api import GitHub, Repository, address, sweep
from integrations.github.protection import protection_of
from integrations.github.refusal import Refusal, seen
from integrations.github.repositories import active
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="read_branch_protection",
    title="Read the protection of default branches",
    description="Classic branch protection and the rulesets that apply, for each default branch",
    type="collector",
    depends_on=("list_repositories",),
)
def read_branch_protection(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Read both for each repository that can still change."""
    repositories = active(ctx.get_data("list_repositories")["repositories"])
    rows = sweep(ctx, repositories, default_branch_protection)
    return {
        "data": {"branches": rows},
        "message": counted(len(rows), "default branch", "default branches"),
    }


def default_branch_protection(github: GitHub, repository: Repository) -> Any:
    """Return the branch with what protects it, or why that cannot be seen."""
    branch = str(repository["default_branch"])
    rules = seen(lambda: github.listed(address(repository, "rules", "branches", branch)))
    classic = seen(lambda: github.read(address(repository, "branches", branch, "protection")))
    found = protection_of(classic, rules)
    return found if isinstance(found, Refusal) else {"branch": branch, **found}
