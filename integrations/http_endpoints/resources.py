"""What an insight returns: one resource for each URL that is not as it should be."""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.http_endpoints.endpoint import Endpoint
from utils.base_runner import TaskContext

SEVERITIES = ("low", "medium", "high", "critical")


def resource(url: str, message: str, severity: str | None = None, **data: Any) -> dict[str, Any]:
    """Return one violation; `severity` None leaves the insight's own."""
    return {"id": url, "message": f"{url}: {message}", "severity": severity, "data": data or None}


def judged(resources: Sequence[Mapping[str, Any]], passed: str, failed: str) -> dict[str, Any]:
    """Return an insight's result; `failed` follows the number of URLs."""
    return {
        "violation": bool(resources),
        "resources": [dict(one) for one in resources],
        "data": {"count": len(resources)},
        "message": f"{counted(len(resources), 'URL')} {failed}" if resources else passed,
    }


def worst(severities: Sequence[str]) -> str:
    """Return the gravest of severities."""
    return max(severities, key=SEVERITIES.index)


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return `1 URL`, `2 URLs`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def endpoints_by_url(ctx: TaskContext) -> dict[str, Endpoint]:
    """Return what is expected of each URL."""
    return {endpoint.url: endpoint for endpoint in ctx.base("endpoints")}
