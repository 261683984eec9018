"""Judges where redirects lead: to hosts that are meant, and to an end."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.http_endpoints.chain import End
from integrations.http_endpoints.resources import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="stray_redirects",
    title="Redirects stay on the way",
    description="Redirects in circles, back to plain HTTP, or to hosts that are not allowed",
    type="insight",
    severity="medium",
)
def stray_redirects(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report chains that end where they should not."""
    rows = ctx.get_data("follow_redirects")["redirects"]
    return judged(
        redirect_resources(rows), "every redirect leads where it should", "with a stray redirect"
    )


def redirect_resources(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a resource for each URL with all that is wrong with its chains."""
    found = []
    for row in rows:
        chains = [chain for chain in (row["direct"], row["plain"]) if chain]
        told = list(dict.fromkeys(message for chain in chains for message in _stray(chain)))
        if told:
            is_down = any(_downgrade(chain) for chain in chains)
            found.append(resource(row["url"], "; ".join(told), "high" if is_down else None))
    return found


def _stray(chain: Mapping[str, Any]) -> Iterable[str]:
    if down := _downgrade(chain):
        yield f"{down['url']} leads back to plain HTTP. Redirect to https alone"
    if not chain["steps"]:
        return
    last = chain["steps"][-1]
    match End(chain["end"]):
        case End.OTHER_HOST:
            host = urlsplit(last["target"]).hostname
            yield f"{last['url']} leads to {host}. Add it to `redirect_hosts` if it is meant so"
        case End.LOOP:
            yield f"{chain['start']} leads in a circle, back to {last['target']}. Break it"
        case End.TOO_MANY:
            steps = len(chain["steps"])
            yield f"{chain['start']} did not end after {steps} redirects. Redirect at once"
        case End.BAD_TARGET:
            yield f"{last['url']} leads to what is no URL. Correct its Location header"


def _downgrade(chain: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the step from https to http."""
    for step in chain["steps"]:
        if step["url"].startswith("https:") and (step["target"] or "").startswith("http:"):
            found: Mapping[str, Any] = step
            return found
    return None
