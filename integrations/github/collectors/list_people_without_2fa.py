"""Lists who has access and no second factor."""

from functools import partial
from typing import Any

from integrations.github.api import GitHub, mark_unseen, row_of
from integrations.github.refusal import seen
from integrations.github.scope import read_scope
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

KINDS = {"members": "member", "outside_collaborators": "outside collaborator"}


@task(
    name="list_people_without_2fa",
    title="List people without a second factor",
    description="Members and outside collaborators; GitHub tells the organisation's owners alone",
    type="collector",
)
def list_people_without_2fa(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Ask for both kinds of people; without an organisation there is nobody to ask about."""
    organisation = read_scope(ctx.config).organisation
    if not organisation:
        ctx.mark_partial("the config names no organisation: second factors are told of one alone")
        return {"data": {"people": []}, "message": "no organisation"}
    github = GitHub.of(ctx)
    people = []
    for path, kind in KINDS.items():
        answer = seen(partial(_without, github, f"/orgs/{organisation}/{path}"))
        row = row_of(f"{kind}s of {organisation}", answer)
        mark_unseen(ctx, [row])
        people += [{"login": login, "kind": kind} for login in row["found"] or ()]
    return {
        "data": {"people": people},
        "message": f"{counted(len(people), 'person', 'people')} without a second factor",
    }


def _without(github: GitHub, path: str) -> list[str]:
    return [one["login"] for one in github.listed(path, filter="2fa_disabled")]
