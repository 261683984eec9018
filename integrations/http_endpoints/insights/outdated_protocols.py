"""Judges the protocols that servers accept."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.http_endpoints.resources import judged, resource
from integrations.http_endpoints.trust import OLD_PROTOCOLS
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="outdated_protocols",
    title="No outdated TLS",
    description="Servers that still accept TLS 1.1 or older, or have nothing better",
    type="insight",
    severity="medium",
)
def outdated_protocols(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report servers that can be talked to in an outdated protocol."""
    rows = ctx.get_data("read_certificates")["certificates"]
    return judged(
        protocol_resources(rows), "every server wants TLS 1.2 or newer", "with outdated TLS"
    )


def protocol_resources(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a resource for each server; one that has nothing better is worse."""
    found = []
    for row in rows:
        best = row.get("protocol")
        if best in OLD_PROTOCOLS:
            message = f"its best protocol is {best}, which clients refuse. Enable TLS 1.2 and 1.3"
            found.append(resource(row["url"], message, "high", protocol=best))
        elif row.get("outdated_protocol"):
            old = row["outdated_protocol"]
            message = f"it still accepts {old}. Set TLS 1.2 as the oldest protocol"
            found.append(resource(row["url"], message, protocol=best, outdated=old))
    return found
