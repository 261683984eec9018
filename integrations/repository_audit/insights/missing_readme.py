"""Judges whether a newcomer is told what the repository is."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.repository_audit.resources import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

README = re.compile(r"(?:\.github/|docs/)?readme(?:[._-][^/]*)?", re.IGNORECASE)


@task(
    name="missing_readme",
    title="There is a readme",
    description="A readme where hosts show it: at the top, in .github or in docs",
    type="insight",
    severity="low",
)
def missing_readme(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report a repository without a readme, or with an empty one."""
    found = readmes(ctx.get_data("list_files")["files"])
    missing = resource(
        "README",
        "The repository has no readme. Add README.md that says what it is, how to run it and "
        "whom to ask",
    )
    return judged(
        [] if found else [missing], f"readme: {found[0] if found else ''}", missing["message"]
    )


def readmes(files: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the paths of readmes that say something."""
    return [
        file["path"] for file in files if README.fullmatch(file["path"]) and file["size_bytes"] > 0
    ]
