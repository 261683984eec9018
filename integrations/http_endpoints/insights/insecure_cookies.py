"""Judges the cookies that URLs set: who steals one is somebody else."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.http_endpoints.endpoint import Endpoint
from integrations.http_endpoints.resources import endpoints_by_url, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="insecure_cookies",
    title="Cookies are protected",
    description="Cookies without Secure or HttpOnly",
    type="insight",
    severity="medium",
)
def insecure_cookies(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report URLs that set cookies without protection."""
    rows = ctx.get_data("read_responses")["responses"]
    return judged(
        cookie_resources(rows, endpoints_by_url(ctx)),
        "every cookie is Secure and HttpOnly",
        "with unprotected cookies",
    )


def cookie_resources(
    rows: Iterable[Mapping[str, Any]], endpoints: Mapping[str, Endpoint]
) -> list[dict[str, Any]]:
    """Return a resource for each URL with its cookies."""
    found = []
    for row in rows:
        excepted = endpoints[row["url"]].cookies_excepted
        cookies = [one for one in row["cookies"] or () if one["name"] not in excepted]
        lacking = {one["name"]: lacks for one in cookies if (lacks := _lacks(one))}
        if lacking:
            told = "; ".join(
                f"{name} lacks {' and '.join(lacks)}" for name, lacks in lacking.items()
            )
            advice = "Add it, or name those that scripts have to read in `cookies_excepted`"
            found.append(resource(row["url"], f"cookie {told}. {advice}", cookies=lacking))
    return found


def _lacks(cookie: Mapping[str, Any]) -> list[str]:
    wanted = {"Secure": cookie["is_secure"], "HttpOnly": cookie["is_http_only"]}
    return [name for name, given in wanted.items() if not given]
