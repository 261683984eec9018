"""Lists open Dependabot alerts of weight."""

from collections.abc import Mapping
from typing import Any

from integrations.github.api import GitHub, Repository, address, sweep
from integrations.github.repositories import active
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="list_dependabot_alerts",
    title="List Dependabot alerts",
    description="Open alerts of high and critical severity; GitHub has none for archived ones",
    type="collector",
    depends_on=("list_repositories",),
)
def list_dependabot_alerts(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List them for each repository that can still change."""
    repositories = active(ctx.get_data("list_repositories")["repositories"])
    rows = sweep(ctx, repositories, heavy_alerts, may_be_off=True)
    count = sum(len(row["found"] or ()) for row in rows)
    return {"data": {"repositories": rows}, "message": f"{counted(count, 'alert')} open"}


def heavy_alerts(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """Return the open alerts of one repository."""
    path = address(repository, "dependabot", "alerts")
    alerts = github.listed(path, state="open", severity="critical,high")
    return [_kept(alert) for alert in alerts]


def _kept(alert: Mapping[str, Any]) -> dict[str, Any]:
    vulnerability = alert["security_vulnerability"]
    package = vulnerability["package"]
    return {
        "number": alert["number"],
        "package": package["name"],
        "ecosystem": package["ecosystem"],
        "manifest": alert["dependency"].get("manifest_path"),
        "severity": vulnerability["severity"],
        "advisory": alert["security_advisory"]["ghsa_id"],
        "fixed_in": (vulnerability.get("first_patched_version") or {}).get("identifier"),
        "created_at": alert["created_at"],
        "url": alert["html_url"],
    }
