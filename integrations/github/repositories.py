"""Which repositories an audit is about, and how it knows that these are all."""

from functools import partial
from typing import Any

from integrations.github.api import GitHub, Repository, Row
from integrations.github.refusal import Refusal, seen
from integrations.github.scope import Scope
from utils.base_runner import TaskContext
from utils.errors import IntegrationAuthError, IntegrationPermanentError


def read_repositories(ctx: TaskContext, github: GitHub, scope: Scope) -> list[Row]:
    """Return what is kept of each repository of the scope; what is missing makes it partial."""
    if scope.organisation:
        found = _of_organisation(ctx, github, scope.organisation)
        found = _chosen(ctx, scope, found)
    else:
        found = _by_name(ctx, github, scope)
    kept = {one["full_name"]: _kept(one) for one in found}
    return sorted(kept.values(), key=lambda one: str(one["full_name"]).lower())


def active(repositories: list[Row]) -> list[Row]:
    """Return those that can change: not archived, not switched off by GitHub."""
    return [one for one in repositories if not one["archived"] and not one["disabled"]]


def _of_organisation(ctx: TaskContext, github: GitHub, name: str) -> list[Any]:
    organisation = seen(lambda: github.read(f"/orgs/{name}"))
    if isinstance(organisation, Refusal):
        is_forbidden = organisation.status == 403
        kind = IntegrationAuthError if is_forbidden else IntegrationPermanentError
        raise kind(
            f"organisation {name!r} cannot be read: {organisation.shown}",
            "see whether the name is right, and whether the token may read it",
            status=organisation.status,
        )
    listed = github.listed(f"/orgs/{name}/repos", type="all", sort="full_name")
    _compare(ctx, organisation, len({one["full_name"] for one in listed}))
    return listed


def _chosen(ctx: TaskContext, scope: Scope, found: list[Any]) -> list[Any]:
    """Return those that the config names, or all; a name that is not there makes it partial."""
    chosen = [one for one in found if scope.takes_in(one["full_name"])]
    listed = {one["full_name"].lower() for one in chosen}
    for name in scope.repositories:
        if name.lower() not in listed:
            ctx.mark_partial(f"{name} is not among the repositories that the token sees")
    return chosen


def _compare(ctx: TaskContext, organisation: Any, listed: int) -> None:
    """Say when fewer are listed than there are: the list leaves out what the token may not see."""
    private = organisation.get("total_private_repos")
    if private is None:
        ctx.add_log("how many private repositories there are is told to owners alone")
    total = organisation["public_repos"] + (private or 0)
    if listed < total:
        ctx.mark_partial(f"the token sees {listed:,} of {total:,} repositories")


def _by_name(ctx: TaskContext, github: GitHub, scope: Scope) -> list[Any]:
    found = []
    for done, name in enumerate(scope.repositories, 1):
        answer = seen(partial(github.read, f"/repos/{name}"))
        if isinstance(answer, Refusal):
            ctx.mark_partial(f"{name}: {answer.shown}")
        else:
            found.append(answer)
        ctx.progress(done, len(scope.repositories))
    return found


def _kept(repository: Repository) -> Row:
    return {
        "full_name": repository["full_name"],
        "owner": repository["owner"]["login"],
        "owner_type": repository["owner"]["type"],
        "visibility": repository.get("visibility") or _visibility(repository),
        "archived": bool(repository["archived"]),
        "disabled": bool(repository.get("disabled")),
        "default_branch": repository["default_branch"],
        "pushed_at": repository.get("pushed_at"),
        "url": repository["html_url"],
    }


def _visibility(repository: Repository) -> str:
    return "private" if repository["private"] else "public"
