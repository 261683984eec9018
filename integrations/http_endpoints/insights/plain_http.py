"""Judges what is said over plain HTTP: nothing but the way to https."""

from collections.abc import Iterable, Mapping
from itertools import takewhile
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
        "without a lasting way from plain HTTP to https",
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
    status, start = plain["steps"][0]["status"], plain["start"]
    if status >= 400:
        return None
    advice = "Shut the port, or take `closed` out of the config"
    return f"{start} answers {status}, and should be closed. {advice}", None


def _redirects(plain: Mapping[str, Any]) -> tuple[str, str | None] | None:
    steps = list(takewhile(lambda step: _is_plain(step["url"]), plain["steps"]))
    last = steps[-1]
    url, status, target = last["url"], last["status"], last["target"]
    if target is None:
        # Of an error page nobody can tell: the collector says that it is partial.
        told = f"{url} answers {status} in the clear. Redirect it to https by 301"
        return None if status >= 400 else (told, None)
    if _is_plain(target):
        told = f"{url} leads to {target}, and not to https. Redirect to https at once"
        return None if plain["end"] in {End.NO_ANSWER, End.NOT_ASKED} else (told, None)
    return _passing(steps)


def _passing(steps: Iterable[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Return what is wrong with a way to https that browsers do not remember."""
    for step in steps:
        if step["status"] not in PERMANENT:
            told = f"{step['url']} redirects by {step['status']}, which browsers forget"
            return f"{told}. Use 301 or 308", "low"
    return None


def _is_plain(url: str) -> bool:
    return urlsplit(url).scheme == "http"
