"""Reads the certificate of each https URL, and whether and why it is not trusted."""

from dataclasses import asdict
from typing import Any

from integrations.http_endpoints.endpoint import Endpoint
from integrations.http_endpoints.handshake import Handshakes
from integrations.http_endpoints.resources import counted
from integrations.http_endpoints.side_by_side import look_at_all
from integrations.http_endpoints.trust import Trust
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="read_certificates",
    title="Read certificates",
    description="Certificate, trust, protocol and cipher of each https URL, by TLS handshakes",
    type="collector",
)
def read_certificates(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Shake hands with each server: once to read, once to verify, once in an outdated way."""
    endpoints = [endpoint for endpoint in ctx.base("endpoints") if endpoint.is_https]
    trust, timeout_seconds = ctx.base("trust"), float(ctx.config.get("timeout_seconds", 10))
    rows = look_at_all(endpoints, lambda one: certificate_row(one, trust, timeout_seconds))
    for row in rows:
        for error in row["errors"]:
            ctx.mark_partial(f"{row['url']}: {error}")
    seen = sum("certificate" in row for row in rows)
    return {
        "data": {"certificates": rows},
        "message": f"{counted(seen, 'certificate')} of {counted(len(rows), 'https URL')}",
    }


def certificate_row(endpoint: Endpoint, trust: Trust, timeout_seconds: float) -> dict[str, Any]:
    """Return what handshakes show; what could not be found out stands in `errors`."""
    row: dict[str, Any] = {"url": endpoint.url, "host": endpoint.host, "errors": []}
    handshakes = Handshakes(endpoint, trust, timeout_seconds)
    try:
        greeting = handshakes.greet()
        row |= asdict(greeting)
        distrust = handshakes.distrust(greeting.protocol)
        row["is_trusted"] = distrust is None
        row["problem"] = distrust and asdict(distrust)
        row["outdated_protocol"] = handshakes.outdated_protocol()
    except (OSError, ValueError) as error:
        row["errors"].append(f"no whole TLS handshake: {_told(error)}")
    return row


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
