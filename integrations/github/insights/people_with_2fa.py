"""Judges whether everybody has a second factor."""

from typing import Any

from integrations.github.verdict import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="people_with_2fa",
    title="Everybody has a second factor",
    description="Members and outside collaborators without two-factor authentication",
    type="insight",
    severity="high",
    depends_on=("list_people_without_2fa",),
)
def people_with_2fa(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each person."""
    bare = [
        resource(
            one["login"],
            f"{one['kind']} {one['login']} signs in by a password alone. Ask for a second factor, "
            "or require it in the organisation (Settings, Authentication security)",
            kind=one["kind"],
        )
        for one in ctx.get_data("list_people_without_2fa")["people"]
    ]
    return judged(
        bare,
        "everybody has a second factor",
        "person without a second factor",
        "people without a second factor",
    )
