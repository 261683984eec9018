"""Judges alerts on dependencies by their age."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.github.ages import days_since
from integrations.github.api import found_in
from integrations.github.switched_off import mark_off
from integrations.github.verdict import Resource, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="old_dependabot_alerts",
    title="No heavy Dependabot alert is old",
    description="Alerts of critical or high severity, open for more than `alert_days`",
    type="insight",
    severity="high",
    depends_on=("list_dependabot_alerts",),
)
def old_dependabot_alerts(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each alert with its own severity; no pass where alerts are switched off."""
    most = int(ctx.config.get("alert_days", 30))
    rows = ctx.get_data("list_dependabot_alerts")["repositories"]
    mark_off(ctx, rows)
    old = [
        _told(name, alert, ctx.base("now"))
        for name, alerts in found_in(rows)
        for alert in alerts
        if (days_since(alert["created_at"], ctx.base("now")) or 0) > most
    ]
    return judged(
        old,
        f"no critical or high alert is open for more than {most} days",
        f"alert open for more than {most} days",
        f"alerts open for more than {most} days",
    )


def _told(name: str, alert: Mapping[str, Any], now: datetime) -> Resource:
    days = days_since(alert["created_at"], now)
    fix = f"Update it to {alert['fixed_in']}" if alert["fixed_in"] else "Replace it: no fix is out"
    return resource(
        f"{name}:dependabot-{alert['number']}",
        f"{name}: {alert['package']} ({alert['ecosystem']}) has {alert['advisory']}, "
        f"{alert['severity']}, open for {days} days. {fix}, or dismiss the alert with a reason: "
        f"{alert['url']}",
        alert["severity"],
        package=alert["package"],
        manifest=alert["manifest"],
        advisory=alert["advisory"],
        created_at=alert["created_at"],
    )
