"""Judges what people from outside may do."""

from typing import Any

from integrations.github.api import found_in
from integrations.github.verdict import judged, resource, without_allowed
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

WRITING = {"admin": "critical", "maintain": "high", "push": "high"}


@task(
    name="outside_collaborators",
    title="No unexpected collaborator may write",
    description="People from outside the organisation who may write to, or rule, a repository",
    type="insight",
    severity="high",
    depends_on=("list_collaborators",),
)
def outside_collaborators(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each person and repository, unless the person is on `allowed_collaborators`."""
    writers = [
        resource(
            f"{name}:{one['login']}",
            f"{one['login']} is from outside and has the role {one['role']} in {name}. Lower it "
            "to read or remove the person; if it is meant, add the login to allowed_collaborators",
            WRITING[one["role"]],
            repository=name,
            login=one["login"],
            role=one["role"],
        )
        for name, people in found_in(ctx.get_data("list_collaborators")["repositories"])
        for one in people
        if one["outside"] and one["role"] in WRITING
    ]
    return judged(
        without_allowed(writers, ctx.config.get("allowed_collaborators", ()), "login"),
        "nobody unexpected from outside may write",
        "unexpected access from outside may write",
        "unexpected accesses from outside may write",
    )
