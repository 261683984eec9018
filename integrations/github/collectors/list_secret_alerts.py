"""Lists open secret-scanning alerts; the secrets themselves are never kept."""

from collections.abc import Mapping
from typing import Any

from integrations.github.api import GitHub, Repository, address, sweep
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="list_secret_alerts",
    title="List secret-scanning alerts",
    description="Open alerts: the kind of secret, its validity and its age, never the secret",
    type="collector",
    depends_on=("list_repositories",),
)
def list_secret_alerts(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List them for each repository: a secret in an archived one is as leaked."""
    repositories = ctx.get_data("list_repositories")["repositories"]
    rows = sweep(ctx, repositories, open_alerts, may_be_off=True)
    count = sum(len(row["found"] or ()) for row in rows)
    return {"data": {"repositories": rows}, "message": f"{counted(count, 'alert')} open"}


def open_alerts(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """Return the open alerts of one repository."""
    path = address(repository, "secret-scanning", "alerts")
    return [_kept(one) for one in github.listed(path, state="open", hide_secret=True)]


def _kept(alert: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": alert["number"],
        "kind": alert.get("secret_type_display_name") or alert["secret_type"],
        "validity": alert.get("validity") or "unknown",
        "is_public": bool(alert.get("publicly_leaked")),
        "created_at": alert["created_at"],
        "url": alert["html_url"],
    }
