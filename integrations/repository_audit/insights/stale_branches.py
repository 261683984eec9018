"""Judges branches: one that nobody works on hides the ones that count."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.repository_audit.resources import counted, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

# Branches that releases are cut from: old they may be, but not left behind.
MAINTENANCE = re.compile(
    r"(?:.*/)?(?:releases?|stable|maint|maintenance|support|lts|v?[0-9]+[._][0-9x]+)(?:[-_/.0-9].*)?"
    r"|gh-pages",
    re.IGNORECASE,
)


@task(
    name="stale_branches",
    title="No stale branches",
    description="Branches without a commit for `stale_branch_days`",
    type="insight",
    severity="low",
)
def stale_branches(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report old branches, but for the default one and those that releases come from."""
    days = int(ctx.config.get("stale_branch_days", 90))
    branches = ctx.get_data("list_branches")["branches"]
    resources = stale_branch_resources(branches, days, datetime.now(UTC))
    return judged(
        resources,
        f"every branch had a commit in the last {counted(days, 'day')}",
        f"{counted(len(resources), 'branch', 'branches')} without a commit "
        f"for {counted(days, 'day')}",
    )


def stale_branch_resources(
    branches: Iterable[Mapping[str, Any]], days: int, now: datetime
) -> list[dict[str, Any]]:
    """Return a resource for each stale branch, the oldest first."""
    since = now - timedelta(days=days)
    stale = [
        (date, branch)
        for branch in branches
        if not (branch["is_default"] or MAINTENANCE.fullmatch(branch["name"]))
        and (date := datetime.fromisoformat(branch["date"])) < since
    ]
    return [
        resource(
            branch["name"],
            f"{branch['name']}: last commit {(now - date).days:,} days ago by "
            f"{branch['author_name']}. {_next_step(branch['merged'])}",
            last_commit=branch["date"],
            commit=branch["commit"],
            author=branch["author_address"],
            merged=branch["merged"],
        )
        for date, branch in sorted(stale, key=lambda pair: pair[0])
    ]


def _next_step(merged: bool | None) -> str:  # noqa: FBT001 - a field, not a switch
    if merged:
        return "It is merged: delete it"
    return "Ask its author: finish it, or tag it and delete it"
