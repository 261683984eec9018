"""The client of GitHub's REST API: its headers, its pages, one repository after another."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from integrations.github.refusal import Refusal, seen
from integrations.github.scope import read_scope
from utils.base_runner import TaskContext
from utils.errors import IntegrationPermanentError
from utils.http import HTTPClient, LinkPages

API_VERSION = "2022-11-28"
PAGE_SIZE = 100
MOST_NAMED = 5
Row = dict[str, Any]
Repository = Mapping[str, Any]


class GitHub(NamedTuple):
    """One task's way to the API; its calls raise errors of the tree."""

    client: HTTPClient

    @classmethod
    def of(cls, ctx: TaskContext) -> "GitHub":
        """Return it for the deployment that the task belongs to."""
        scope = read_scope(ctx.config)
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {scope.token}",
            "X-GitHub-Api-Version": API_VERSION,
        }
        return cls(ctx.http(scope.base_url, headers=headers))

    def read(self, path: str) -> Any:
        """Return what one address answers."""
        return self.client.get(path)

    def listed(self, path: str, items: str | None = None, **params: str | bool) -> list[Any]:
        """Return a list, all pages of it."""
        asked = {**params, "per_page": PAGE_SIZE}
        return list(self.client.items(path, LinkPages(items), params=asked))

    def headers(self, path: str) -> Mapping[str, str]:
        """Return the headers of an answer, by their names in lower case.

        They count only where the answer is the API's own: a proxy's page has none of them.
        """
        answer = self.client.request("GET", path)
        if not _is_object(answer.body):
            raise IntegrationPermanentError(
                f"GET {path} answered {answer.status} with a body that is no JSON object",
                "see whether base_url is that of the API",
                status=answer.status,
            )
        return answer.headers


def address(repository: Repository, *parts: str) -> str:
    """Return the path of a repository, or of something in it."""
    owner, _, name = str(repository["full_name"]).partition("/")
    quoted = (quote(part, safe="") for part in (owner, name, *parts))
    return "/repos/" + "/".join(quoted)


def sweep(
    ctx: TaskContext,
    repositories: Sequence[Repository],
    ask: Callable[[GitHub, Repository], Any],
    *,
    may_be_off: bool = False,
) -> list[Row]:
    """Ask the same of each repository and return a row for each.

    A row is `{"repository", "state", "reason", "found"}`: `seen` with what was found; `off` where
    the feature may be and is, which is for an insight to judge; or `unseen` with a reason, which
    makes the task partial.
    """
    github = GitHub.of(ctx)
    rows = []
    for done, repository in enumerate(repositories, 1):
        name = repository["full_name"]
        answer = seen(partial(ask, github, repository))
        rows.append(row_of(name, answer, may_be_off=may_be_off))
        ctx.progress(done, len(repositories))
    mark_unseen(ctx, rows)
    return rows


def row_of(name: str, answer: Any, *, may_be_off: bool = False) -> Row:
    """Return the row of one answer or refusal."""
    if not isinstance(answer, Refusal):
        return {"repository": name, "state": "seen", "reason": None, "found": answer}
    state = "off" if may_be_off and answer.is_off else "unseen"
    return {"repository": name, "state": state, "reason": answer.shown, "found": None}


def mark_unseen(ctx: TaskContext, rows: Iterable[Row]) -> None:
    """Mark the task as partial: once for each reason, with the repositories that it hides."""
    hidden: dict[str, list[str]] = {}
    for row in rows:
        if row["state"] == "unseen":
            hidden.setdefault(row["reason"], []).append(row["repository"])
    for reason, names in hidden.items():
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        ctx.mark_partial(f"{', '.join(names[:MOST_NAMED])}{more}: {reason}")


def found_in(rows: Iterable[Row]) -> Iterable[tuple[str, Any]]:
    """Yield the name and what was found of each repository that was seen."""
    return ((row["repository"], row["found"]) for row in rows if row["state"] == "seen")


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
