"""Judges how webhooks are sent."""

from collections.abc import Mapping
from typing import Any

from integrations.github.api import found_in
from integrations.github.verdict import Resource, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="webhooks_are_safe",
    title="Webhooks use TLS and a secret",
    description="Webhooks without https, without checked certificates or without a secret",
    type="insight",
    severity="medium",
    depends_on=("list_webhooks",),
)
def webhooks_are_safe(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each active webhook once, with all that is wrong with it."""
    unsafe = [
        _told(owner, hook, wrong)
        for owner, hooks in found_in(ctx.get_data("list_webhooks")["owners"])
        for hook in hooks
        if hook["active"] and (wrong := faults_of(hook))
    ]
    return judged(
        unsafe,
        "every webhook uses TLS and a secret",
        "webhook is not safe",
        "webhooks are not safe",
    )


def faults_of(hook: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a webhook."""
    checks = {
        "is sent without TLS: use an https address": hook["https"],
        "trusts any certificate: switch SSL verification on": hook["checks_certificate"]
        or not hook["https"],
        "has no secret: set one, and have the receiver check the signature": hook["has_secret"],
    }
    return [wrong for wrong, is_fine in checks.items() if not is_fine]


def _told(owner: str, hook: Mapping[str, Any], wrong: list[str]) -> Resource:
    is_readable = not hook["https"] or not hook["checks_certificate"]
    return resource(
        f"{owner}:hook-{hook['id']}",
        f"{owner}: the webhook to {hook['host']} {'; it '.join(wrong)}",
        "high" if is_readable else None,
        host=hook["host"],
    )
