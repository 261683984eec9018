"""Judges from where workflows may take actions."""

from typing import Any

from integrations.github.api import found_in
from integrations.github.verdict import Resource, judged, resource, without_allowed
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

ANY = "all"


@task(
    name="actions_restricted",
    title="Workflows use chosen actions alone",
    description="Policies that allow actions of any author in the world",
    type="insight",
    severity="medium",
    depends_on=("read_actions_permissions",),
)
def actions_restricted(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report the organisation where its policy allows all, and else each such repository."""
    data = ctx.get_data("read_actions_permissions")
    wide = _wide(found_in([data["organisation"]] if data["organisation"] else []))
    wide = wide or _wide(found_in(data["repositories"]))
    return judged(
        without_allowed(wide, ctx.config.get("allowed_any_actions", ()), "name"),
        "workflows may use chosen actions alone",
        "policy allows actions from anywhere",
        "policies allow actions from anywhere",
    )


def _wide(policies: Any) -> list[Resource]:
    return [
        resource(
            name,
            f"{name}: workflows may use any action, and so run anybody's code with their secrets. "
            "Allow your own, GitHub's and a list of others (Settings, Actions, General)",
            name=name,
        )
        for name, policy in policies
        if policy["enabled"] and policy["allowed"] == ANY
    ]
