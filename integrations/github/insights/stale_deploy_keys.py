"""Judges deploy keys by their last use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.github.ages import days_since
from integrations.github.api import found_in
from integrations.github.verdict import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="stale_deploy_keys",
    title="Deploy keys are in use",
    description="Deploy keys that nobody has used for `key_days`",
    type="insight",
    severity="medium",
    depends_on=("list_deploy_keys",),
)
def stale_deploy_keys(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each key; one that was never used counts from its creation."""
    most, now = int(ctx.config.get("key_days", 90)), ctx.base("now")
    stale = [
        resource(
            f"{name}:key-{key['id']}",
            f"{name}: deploy key {key['title']!r} was {_used(key, now)}. Find out what it is for; "
            "if nobody knows, delete it (Settings, Deploy keys)",
            title=key["title"],
            added_by=key["added_by"],
            last_used=key["last_used"],
        )
        for name, keys in found_in(ctx.get_data("list_deploy_keys")["repositories"])
        for key in keys
        if idle_days(key, now) > most
    ]
    return judged(
        stale,
        f"every deploy key was used within {most} days",
        f"deploy key not used for {most} days",
        f"deploy keys not used for {most} days",
    )


def idle_days(key: Mapping[str, Any], now: datetime) -> int:
    """Return for how many days a key was not used."""
    return days_since(key["last_used"] or key["created_at"], now) or 0


def _used(key: Mapping[str, Any], now: datetime) -> str:
    if not key["last_used"]:
        return f"never used since it was made {idle_days(key, now)} days ago"
    return f"last used {idle_days(key, now)} days ago"
