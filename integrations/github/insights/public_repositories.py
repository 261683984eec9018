"""Judges which repositories everybody can read."""

from typing import Any

from integrations.github.verdict import judged, resource, without_allowed
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="public_repositories",
    title="Only expected repositories are public",
    description="Public repositories that are not on `allowed_public`",
    type="insight",
    severity="high",
    depends_on=("list_repositories",),
)
def public_repositories(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each public repository, archived ones too."""
    public = [
        resource(
            one["full_name"],
            f"{one['full_name']} is public. If that is meant, add it to allowed_public; if not, "
            f"make it private and treat what is in it as read by others: {one['url']}",
            repository=one["full_name"],
        )
        for one in ctx.get_data("list_repositories")["repositories"]
        if one["visibility"] == "public"
    ]
    return judged(
        without_allowed(public, ctx.config.get("allowed_public", ()), "repository"),
        "no repository is public unexpectedly",
        "repository is public and not on the allow list",
        "repositories are public and not on the allow list",
    )
