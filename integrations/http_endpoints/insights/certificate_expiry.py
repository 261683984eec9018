"""Judges how long certificates last: one that runs out takes its site with it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from integrations.http_endpoints.resources import counted, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="certificate_expiry",
    title="Certificates last",
    description="Certificates that expire within `certificate_days`, or have expired",
    type="insight",
    severity="medium",
)
def certificate_expiry(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report certificates by the days that are left: few are critical."""
    days = int(ctx.config.get("certificate_days", 30))
    critical_days = int(ctx.config.get("certificate_critical_days", 7))
    rows = ctx.get_data("read_certificates")["certificates"]
    return judged(
        expiry_resources(rows, days, critical_days, datetime.now(UTC)),
        f"every certificate lasts {counted(days, 'day')} or more",
        f"with a certificate that expires within {counted(days, 'day')}",
    )


def expiry_resources(
    rows: Iterable[Mapping[str, Any]], days: int, critical_days: int, now: datetime
) -> list[dict[str, Any]]:
    """Return a resource for each certificate that expires soon, the first one first."""
    ends = [
        (datetime.fromisoformat(row["certificate"]["not_after"]), row)
        for row in rows
        if "certificate" in row
    ]
    return [
        resource(
            row["url"],
            _message(end, now),
            "critical" if (end - now).days < critical_days else "medium",
            not_after=end.isoformat(),
            days_left=(end - now).days,
            issuer=row["certificate"]["issuer"],
        )
        for end, row in sorted(ends, key=lambda pair: pair[0])
        if (end - now).days < days
    ]


def _message(end: datetime, now: datetime) -> str:
    day = f"{end:%Y-%m-%d}"
    if end <= now:
        return f"its certificate expired on {day}. Renew it now, and see why nothing renewed it"
    left = counted((end - now).days, "day")
    return f"its certificate expires in {left}, on {day}. Renew it, or see why nothing renews it"
