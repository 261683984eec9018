"""Judges the status that URLs answer."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.http_endpoints.endpoint import Endpoint
from integrations.http_endpoints.resources import endpoints_by_url, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="unexpected_status",
    title="URLs answer as expected",
    description="URLs with another status than expected, in any attempt",
    type="insight",
    severity="high",
)
def unexpected_status(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report URLs whose status is not the one that is expected."""
    rows = ctx.get_data("read_responses")["responses"]
    return judged(
        status_resources(rows, endpoints_by_url(ctx)),
        "every URL answers as expected",
        "with an unexpected status",
    )


def status_resources(
    rows: Iterable[Mapping[str, Any]], endpoints: Mapping[str, Endpoint]
) -> list[dict[str, Any]]:
    """Return a resource for each URL; one that fails now and then is less grave."""
    found = []
    for row in rows:
        if not row["unexpected"]:
            continue
        wanted = " or ".join(map(str, sorted(endpoints[row["url"]].status))) or "200 to 399"
        got = ", ".join(map(str, row["unexpected"]))
        is_steady = row["status"] is None
        often = "" if is_steady else " now and then"
        message = (
            f"it answers {got}{often}, not {wanted}. See the server's logs, or name what is right "
            "in `status`"
        )
        severity = None if is_steady else "medium"
        found.append(resource(row["url"], message, severity, statuses=row["statuses"]))
    return found
