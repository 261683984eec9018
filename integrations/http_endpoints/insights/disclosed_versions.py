"""Judges whether headers tell which versions run: that is where attackers begin."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.http_endpoints.endpoint import Endpoint
from integrations.http_endpoints.resources import endpoints_by_url, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

TELLING = ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator")
VERSION = re.compile(r"\d+\.\d+|/\d")


@task(
    name="disclosed_versions",
    title="No version is disclosed",
    description="Headers such as Server and X-Powered-By that tell a version",
    type="insight",
    severity="low",
)
def disclosed_versions(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report URLs whose headers tell a version."""
    rows = ctx.get_data("read_responses")["responses"]
    return judged(
        version_resources(rows, endpoints_by_url(ctx)),
        "no header tells a version",
        "with headers that tell a version",
    )


def version_resources(
    rows: Iterable[Mapping[str, Any]], endpoints: Mapping[str, Endpoint]
) -> list[dict[str, Any]]:
    """Return a resource for each URL with the headers that tell too much."""
    found = []
    for row in rows:
        excepted = endpoints[row["url"]].headers_excepted
        telling = {
            name: value
            for name, value in (row["headers"] or {}).items()
            if name in TELLING and name not in excepted and VERSION.search(value)
        }
        if telling:
            told = ", ".join(f"`{name}: {value}`" for name, value in telling.items())
            message = f"it says {told}. Leave the version out (`server_tokens off` and the like)"
            found.append(resource(row["url"], message, headers=telling))
    return found
