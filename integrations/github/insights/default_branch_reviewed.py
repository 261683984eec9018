"""Judges whether changes of default branches are looked at by a second person."""

from typing import Any

from integrations.github.api import found_in
from integrations.github.verdict import judged, resource, without_allowed
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="default_branch_reviewed",
    title="Protected branches require reviews",
    description="Protected default branches that take changes without enough approvals",
    type="insight",
    severity="medium",
    depends_on=("read_branch_protection",),
)
def default_branch_reviewed(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each one that wants fewer than `required_reviews`; bare ones are told elsewhere."""
    wanted = int(ctx.config.get("required_reviews", 1))
    few = [
        resource(
            f"{name}:{found['branch']}",
            f"{name}: {found['branch']} takes changes with {found['reviews']} approvals. Require "
            f"a pull request with at least {wanted} in its protection or ruleset",
            repository=name,
            branch=found["branch"],
            reviews=found["reviews"],
        )
        for name, found in found_in(ctx.get_data("read_branch_protection")["branches"])
        if found["protected"] and found["reviews"] < wanted
    ]
    return judged(
        without_allowed(few, ctx.config.get("allowed_unprotected", ()), "repository"),
        "every protected default branch requires reviews",
        "protected default branch takes changes without enough reviews",
        "protected default branches take changes without enough reviews",
    )
