"""Judges authors: every recent commit comes from an address that is expected."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.repository_audit.resources import counted, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task
from utils.errors import TruelineError


@task(
    name="unknown_authors",
    title="Authors are known",
    description="Recent commits whose author's address does not match `author_pattern`",
    type="insight",
    severity="medium",
)
def unknown_authors(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each address that the pattern is not found in; without a pattern, nothing."""
    pattern = str(ctx.config.get("author_pattern") or "")
    if not pattern:
        return judged([], "not checked: `author_pattern` is not configured", "")
    commits = ctx.get_data("list_commits")["commits"]
    resources = unknown_author_resources(commits, compiled(pattern))
    return judged(
        resources,
        f"the authors of the last {counted(len(commits), 'commit')} all match",
        f"{counted(len(resources), 'address', 'addresses')} not matching in the last "
        f"{counted(len(commits), 'commit')}",
    )


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile the configured pattern; raises TruelineError that says what is wrong with it."""
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise TruelineError(
            f"author_pattern {pattern!r} is not a regular expression: {error}",
            r"correct it in the deployment's config, such as @example\.com$",
        ) from error


def unknown_author_resources(
    commits: Iterable[Mapping[str, Any]], known: re.Pattern[str]
) -> list[dict[str, Any]]:
    """Return a resource for each unknown address, with its newest commit."""
    newest: dict[str, Mapping[str, Any]] = {}
    counts: Counter[str] = Counter()
    for commit in commits:
        address = commit["author_address"].lower()
        if not known.search(address):
            counts[address] += 1
            newest.setdefault(address, commit)
    return [
        resource(
            address or "no address",
            f"{commit['author_name']} <{address}> wrote {counted(counts[address], 'commit')}, the "
            f"newest {commit['id'][:10]}. Find out who it is; then widen `author_pattern`, or "
            "revert the commits and revoke access",
            commits=counts[address],
            newest_commit=commit["id"],
            author_name=commit["author_name"],
        )
        for address, commit in newest.items()
    ]
