"""Judges whether URLs answer at all."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.http_endpoints.resources import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="unanswered",
    title="URLs answer",
    description="URLs that gave no answer in some or all attempts",
    type="insight",
    severity="high",
)
def unanswered(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report URLs without an answer; the message says why as far as it is known from here."""
    rows = ctx.get_data("read_responses")["responses"]
    return judged(unanswered_resources(rows), "every URL answers", "without an answer")


def unanswered_resources(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a resource for each URL; one that fails now and then is less grave."""
    found = []
    for row in rows:
        failed = row["attempts"] - len(row["statuses"])
        if not failed or not row["is_asked"]:
            continue
        message = (
            f"{failed} of {row['attempts']} attempts got no answer ({row['errors'][0]}). See "
            "whether the server runs and can be reached from the worker"
        )
        severity = "medium" if row["statuses"] else None
        found.append(resource(row["url"], message, severity, errors=row["errors"]))
    return found
