"""Judges whether the history of default branches can be rewritten."""

from typing import Any

from integrations.github.api import found_in
from integrations.github.verdict import judged, resource, without_allowed
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="default_branch_keeps_history",
    title="Protected branches refuse force pushes",
    description="Protected default branches whose history can be rewritten",
    type="insight",
    severity="high",
    depends_on=("read_branch_protection",),
)
def default_branch_keeps_history(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each one that takes force pushes; bare ones are told elsewhere."""
    open_ones = [
        resource(
            f"{name}:{found['branch']}",
            f"{name}: {found['branch']} takes force pushes, which take commits out of its "
            "history. Block force pushes in its protection or ruleset",
            repository=name,
            branch=found["branch"],
        )
        for name, found in found_in(ctx.get_data("read_branch_protection")["branches"])
        if found["protected"] and found["force_pushes"]
    ]
    return judged(
        without_allowed(open_ones, ctx.config.get("allowed_unprotected", ()), "repository"),
        "every protected default branch refuses force pushes",
        "protected default branch takes force pushes",
        "protected default branches take force pushes",
    )
