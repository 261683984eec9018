"""Judges what is said over plain HTTP: nothing but the way to https."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.http_endpoints.chain import End
from integrations.http_endpoints.endpoint import Endpoint, PlainHttp
from integrations.http_endpoints.resources import endpoints_by_url, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

PERMANENT = frozenset({301, 308})


@task(
    name="plain_http",
    title="Plain HTTP leads to https",
    description="URLs whose variant over plain HTTP does not lead to https by 301 or 308",
    type="insight",
    severity="high",
)
def plain_http(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report URLs that are served over plain HTTP."""
    rows = ctx.get_data("follow_redirects")["redirects"]
    return judged(
        plain_http_resources(rows, endpoints_by_url(ctx)),
        "plain HTTP leads to https wherever it was looked at",
        "that plain HTTP does not lead to https for good",
    )


def plain_http_resources(
    rows: Iterable[Mapping[str, Any]], endpoints: Mapping[str, Endpoint]
) -> list[dict[str, Any]]:
    """Return a resource for each URL."""
    found = []
    for row in rows:
        wish, plain = endpoints[row["url"]].plain_http, row["plain"]
        if plain is None or not plain["steps"] or wish is PlainHttp.UNCHECKED:
            continue
        judge = _closed if wish is PlainHttp.CLOSED else _redirects
        if told := judge(plain):
            message, severity = told
            found.append(resource(row["url"], message, severity, start=plain["start"]))
    return found


def _closed(plain: Mapping[str, Any]) -> tuple[str, str | None] | None:
    status = plain["steps"][0]["status"]
    if status >= 400:
        return None
    message = f"{plain['start']} answers {status}, and should be closed. Shut the port, or expect a redirect"
    return message, None


def _redirects(plain: Mapping[str, Any]) -> tuple[str, str | None] | None:
    steps = [step for step in plain["steps"] if _is_plain(step["url"])]
    last = steps[-1]
    if last["target"] is None:
        if last["status"] >= 400:
            return None  # an error page, of which nobody can tell: the collector is partial
        message = (
            f"{last['url']} answers {last['status']} in the clear. Redirect it to https by 301"
        )
        return message, None
    if _is_plain(last["target"]):
        if plain["end"] == End.NO_ANSWER:
            return None
        message = (
            f"{last['url']} leads to {last['target']}, and not to https. Redirect to https at once"
        )
        return message, None
    passing = [step for step in steps if step["status"] not in PERMANENT]
    if passing:
        step = passing[0]
        message = (
            f"{step['url']} redirects by {step['status']}, which browsers forget. Use 301 or 308"
        )
        return message, "low"
    return None


def _is_plain(url: str) -> bool:
    return urlsplit(url).scheme == "http"
