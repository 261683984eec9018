"""Judges tokens: those that nobody uses, and those that never end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.github.ages import days_since, moment
from integrations.github.verdict import Resource, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="stale_tokens",
    title="Tokens are in use and end",
    description="Tokens that were not used for `token_days`, or that have no end",
    type="insight",
    severity="high",
    depends_on=("list_tokens",),
)
def stale_tokens(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each token once, with all that is wrong with it; expired ones open nothing."""
    most, now = int(ctx.config.get("token_days", 90)), ctx.base("now")
    found = [
        _told(token, wrong)
        for token in ctx.get_data("list_tokens")["tokens"]
        if (wrong := faults_of(token, most, now))
    ]
    return judged(
        found,
        "every token is in use and ends",
        "token is stale or never ends",
        "tokens are stale or never end",
    )


def faults_of(token: Mapping[str, Any], most_days: int, now: datetime) -> list[str]:
    """Return what is wrong with a token."""
    expires_at = moment(token["expires_at"])
    if expires_at is not None and expires_at <= now:
        return []
    days = days_since(token["last_used"], now) or 0
    idle = [f"was not used for {days} days"] if days > most_days else []
    return idle + (["never expires"] if token["lasts"] else [])


def _told(token: Mapping[str, Any], wrong: list[str]) -> Resource:
    whose = f" of {token['owner']}" if token["owner"] else ""
    named = f" {token['name']!r}" if token["name"] else ""
    advice = (
        "Make one that ends, and give it to this deployment"
        if token["id"] == "audit"
        else "Revoke it in the organisation's settings (Personal access tokens), or have it renewed"
    )
    return resource(
        token["id"],
        f"{token['kind']}{named}{whose} {' and '.join(wrong)}. {advice}",
        None if token["last_used"] else "medium",
        owner=token["owner"],
        last_used=token["last_used"],
        expires_at=token["expires_at"],
    )
