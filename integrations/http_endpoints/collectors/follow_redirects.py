"""Follows where each URL leads, from plain HTTP and from the URL itself."""

from dataclasses import asdict
from typing import Any

from integrations.http_endpoints.asking import Asking, asking_of
from integrations.http_endpoints.chain import Chain, End, follow
from integrations.http_endpoints.endpoint import Endpoint, PlainHttp
from integrations.http_endpoints.resources import counted
from integrations.http_endpoints.side_by_side import look_at_all
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

ATTEMPTS = 2  # for each step


@task(
    name="follow_redirects",
    title="Follow redirects",
    description="Where each URL leads, and its variant over plain HTTP, step by step",
    type="collector",
)
def follow_redirects(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Follow redirects, and ask no host that is not allowed."""
    asking = asking_of(ctx)
    rows = look_at_all(ctx.base("endpoints"), lambda one: redirect_row(one, asking))
    for row in rows:
        for reason in row["partial"]:
            ctx.mark_partial(f"{row['url']}: {reason}")
    plain = sum(row["plain"] is not None for row in rows)
    return {
        "data": {"redirects": rows},
        "message": f"{counted(len(rows), 'URL')} followed, {plain:,} of them from plain HTTP too",
    }


def redirect_row(endpoint: Endpoint, asking: Asking) -> dict[str, Any]:
    """Return both chains of a URL; `plain` is null where plain HTTP is not looked at."""
    direct = _chain(endpoint.url, endpoint, asking)
    plain = None
    if endpoint.http_url == endpoint.url:
        plain = direct
    elif endpoint.http_url and endpoint.plain_http is not PlainHttp.UNCHECKED:
        plain = _chain(endpoint.http_url, endpoint, asking)
    partial = _unclear(direct, endpoint)
    if plain is not None and not _is_closed_as_wanted(plain, endpoint):
        partial += _unclear(plain, endpoint)
    return {
        "url": endpoint.url,
        "direct": asdict(direct),
        "plain": plain and asdict(plain),
        "partial": list(dict.fromkeys(partial)),
    }


def _chain(start: str, endpoint: Endpoint, asking: Asking) -> Chain:
    return follow(start, endpoint, lambda url: asking.get(url, ATTEMPTS))


def _is_closed_as_wanted(plain: Chain, endpoint: Endpoint) -> bool:
    if endpoint.plain_http is not PlainHttp.CLOSED:
        return False
    return plain.steps[0].status >= 400 if plain.steps else plain.end is End.NO_ANSWER


def _unclear(chain: Chain, endpoint: Endpoint) -> list[str]:
    """Return why it is not known where a chain leads: an error page redirects nobody."""
    if chain.error is not None:
        return [f"where it leads is not known: {chain.error}"]
    if chain.end is not End.ANSWER or endpoint.expects(chain.steps[-1].status):
        return []
    last = chain.steps[-1]
    return [f"where {last.url} leads is not known: it answered {last.status}"]
