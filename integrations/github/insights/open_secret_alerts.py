"""Judges secrets that GitHub found."""

from collections.abc import Mapping
from typing import Any

from integrations.github.api import found_in
from integrations.github.switched_off import mark_off
from integrations.github.verdict import Resource, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="open_secret_alerts",
    title="No secret-scanning alert is open",
    description="Secrets in repositories that nobody has dealt with",
    type="insight",
    severity="critical",
    depends_on=("list_secret_alerts",),
)
def open_secret_alerts(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each alert; no pass where secret scanning is switched off."""
    rows = ctx.get_data("list_secret_alerts")["repositories"]
    mark_off(ctx, rows)
    leaked = [_told(name, alert) for name, alerts in found_in(rows) for alert in alerts]
    return judged(leaked, "no secret-scanning alert is open", "open secret-scanning alert")


def _told(name: str, alert: Mapping[str, Any]) -> Resource:
    where = ", and public elsewhere too" if alert["is_public"] else ""
    return resource(
        f"{name}:secret-{alert['number']}",
        f"{name}: {alert['kind']} is in its history{where} ({alert['validity']}). Revoke it "
        f"where it was issued, then close the alert: {alert['url']}",
        "high" if alert["validity"] == "inactive" else None,
        kind=alert["kind"],
        validity=alert["validity"],
        created_at=alert["created_at"],
    )
