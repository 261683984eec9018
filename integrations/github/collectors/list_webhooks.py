"""Lists webhooks; of where they go to, the host alone is kept: paths hold secrets."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.github.api import GitHub, Repository, address, mark_unseen, row_of, sweep
from integrations.github.refusal import seen
from integrations.github.repositories import active
from integrations.github.scope import read_scope
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="list_webhooks",
    title="List webhooks",
    description="Webhooks of repositories and of the organisation: host, TLS, secret or none",
    type="collector",
    depends_on=("list_repositories",),
)
def list_webhooks(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """List those of each repository that can still change, and the organisation's own."""
    rows = sweep(ctx, active(ctx.get_data("list_repositories")["repositories"]), webhooks)
    organisation = read_scope(ctx.config).organisation
    if organisation:
        path = f"/orgs/{organisation}/hooks"
        own = row_of(organisation, seen(lambda: _all_kept(GitHub.of(ctx).listed(path))))
        mark_unseen(ctx, [own])
        rows.append(own)
    count = sum(len(row["found"] or ()) for row in rows)
    return {"data": {"owners": rows}, "message": counted(count, "webhook")}


def webhooks(github: GitHub, repository: Repository) -> list[dict[str, Any]]:
    """Return the webhooks of one repository."""
    return _all_kept(github.listed(address(repository, "hooks")))


def _all_kept(hooks: list[Any]) -> list[dict[str, Any]]:
    return [_kept(hook["id"], bool(hook["active"]), hook["config"]) for hook in hooks]


def _kept(number: int, active: bool, config: Mapping[str, Any]) -> dict[str, Any]:  # noqa: FBT001 - as the API has it
    target = urlsplit(str(config.get("url") or ""))
    return {
        "id": number,
        "active": active,
        "host": target.hostname or "",
        "https": target.scheme == "https",
        "checks_certificate": str(config.get("insecure_ssl", "0")) == "0",
        "has_secret": bool(config.get("secret")),
    }
