"""Judges who still has access to what nobody works on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from integrations.github.ages import days_since
from integrations.github.api import Row, found_in
from integrations.github.verdict import counted, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="inactive_repositories",
    title="Inactive repositories are closed",
    description="Archived or long unchanged repositories that people from outside or keys can open",
    type="insight",
    severity="low",
    depends_on=("list_repositories", "list_collaborators", "list_deploy_keys"),
)
def inactive_repositories(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each repository with what is still open."""
    most, now = int(ctx.config.get("inactive_days", 365)), ctx.base("now")
    guests = _guests(ctx.get_data("list_collaborators")["repositories"])
    keys = {
        name: len(ks) for name, ks in found_in(ctx.get_data("list_deploy_keys")["repositories"])
    }
    left_open = [
        resource(
            one["full_name"],
            f"{one['full_name']} is {why}, and still open to "
            f"{counted(guests.get(one['full_name'], 0), 'outside collaborator')} and "
            f"{counted(keys.get(one['full_name'], 0), 'deploy key')}. Remove them, and archive it",
        )
        for one in ctx.get_data("list_repositories")["repositories"]
        if (why := _inactive(one, most, now))
        and (guests.get(one["full_name"]) or keys.get(one["full_name"]))
    ]
    return judged(
        left_open,
        "no inactive repository is open to people from outside or to keys",
        "inactive repository is still open",
        "inactive repositories are still open",
    )


def _inactive(repository: Row, most_days: int, now: datetime) -> str:
    """Return why a repository counts as inactive; empty for one in use."""
    if repository["archived"]:
        return "archived"
    days = days_since(repository["pushed_at"], now) or 0
    return f"unchanged for {days} days" if days > most_days else ""


def _guests(rows: Iterable[Row]) -> dict[str, int]:
    return {name: sum(one["outside"] for one in people) for name, people in found_in(rows)}
