"""Judges whether anything protects default branches."""

from typing import Any

from integrations.github.api import found_in
from integrations.github.verdict import judged, resource, without_allowed
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="default_branch_protected",
    title="Default branches are protected",
    description="Default branches that no branch protection and no ruleset covers",
    type="insight",
    severity="high",
    depends_on=("read_branch_protection",),
)
def default_branch_protected(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each one that is neither empty nor protected."""
    bare = [
        resource(
            f"{name}:{found['branch']}",
            f"{name}: whoever can push may change {found['branch']} unseen, and delete it. Add a "
            "ruleset for the default branch (Settings, Rules), or one for the whole organisation",
            repository=name,
            branch=found["branch"],
        )
        for name, found in found_in(ctx.get_data("read_branch_protection")["branches"])
        if not found["protected"] and not found["empty"]
    ]
    return judged(
        without_allowed(bare, ctx.config.get("allowed_unprotected", ()), "repository"),
        "every default branch is protected",
        "default branch without protection",
        "default branches without protection",
    )
