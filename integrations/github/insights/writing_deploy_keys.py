"""Judges what deploy keys may do."""

from typing import Any

from integrations.github.api import found_in
from integrations.github.verdict import judged, resource, without_allowed
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="writing_deploy_keys",
    title="Deploy keys only read",
    description="Deploy keys that may push to their repository",
    type="insight",
    severity="medium",
    depends_on=("list_deploy_keys",),
)
def writing_deploy_keys(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each key that may write, unless its title is on `allowed_writing_keys`."""
    writing = [
        resource(
            f"{name}:key-{key['id']}",
            f"{name}: deploy key {key['title']!r} may push. Replace it by one that only reads, or "
            "by a GitHub App; if it is meant, add its title to allowed_writing_keys",
            title=key["title"],
            added_by=key["added_by"],
        )
        for name, keys in found_in(ctx.get_data("list_deploy_keys")["repositories"])
        for key in keys
        if not key["read_only"]
    ]
    return judged(
        without_allowed(writing, ctx.config.get("allowed_writing_keys", ()), "title"),
        "no unexpected deploy key may write",
        "unexpected deploy key may write",
        "unexpected deploy keys may write",
    )
