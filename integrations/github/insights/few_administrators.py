"""Judges how many people rule a repository by an access of their own."""

from typing import Any

from integrations.github.api import found_in
from integrations.github.verdict import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="few_administrators",
    title="Few people administer a repository",
    description="Repositories with more direct administrators than `most_administrators`",
    type="insight",
    severity="low",
    depends_on=("list_collaborators",),
)
def few_administrators(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each repository with too many; owners and teams do not count."""
    most = int(ctx.config.get("most_administrators", 5))
    crowded = []
    for name, people in found_in(ctx.get_data("list_collaborators")["repositories"]):
        admins = sorted(one["login"] for one in people if one["role"] == "admin")
        if len(admins) > most:
            told = (
                f"{name} has {len(admins)} direct administrators, {most} are meant to be enough. "
                "Give them the role maintain, or put those who need it into a team"
            )
            crowded.append(resource(name, told, administrators=admins))
    return judged(
        crowded,
        f"no repository has more than {most} direct administrators",
        "repository with too many administrators",
        "repositories with too many administrators",
    )
