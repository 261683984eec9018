"""Judges how long URLs take to answer."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.http_endpoints.endpoint import Endpoint
from integrations.http_endpoints.resources import endpoints_by_url, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="slow_answers",
    title="Answers are fast",
    description="URLs whose median latency is over `latency_ms`",
    type="insight",
    severity="low",
)
def slow_answers(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report slow URLs; twice the limit is worse."""
    rows = ctx.get_data("read_responses")["responses"]
    return judged(
        slow_resources(rows, endpoints_by_url(ctx)),
        "every URL answers in time",
        "with slow answers",
    )


def slow_resources(
    rows: Iterable[Mapping[str, Any]], endpoints: Mapping[str, Endpoint]
) -> list[dict[str, Any]]:
    """Return a resource for each slow URL."""
    found = []
    for row in rows:
        limit_ms, took_ms = endpoints[row["url"]].latency_ms, row["latency_ms"]
        if took_ms is None or took_ms <= limit_ms:
            continue
        message = (
            f"it takes {took_ms:,.0f} ms, more than {limit_ms:,.0f} (median of "
            f"{len(row['latencies_ms'])}). See what it waits for, or raise `latency_ms` for it"
        )
        severity = "medium" if took_ms > 2 * limit_ms else None
        found.append(
            resource(row["url"], message, severity, latency_ms=took_ms, all_ms=row["latencies_ms"])
        )
    return found
