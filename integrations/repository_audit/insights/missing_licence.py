"""Judges whether others are told what they may do with the repository."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.repository_audit.resources import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

# Also LICENSE-MIT, COPYING.LESSER, and a LICENSES folder as the REUSE specification has it.
LICENCE = re.compile(r"(?:un)?licen[cs]es?(?:[.-][^/]*|/.*)?|copying(?:[.-][^/]*)?", re.IGNORECASE)


@task(
    name="missing_licence",
    title="There is a licence",
    description="A licence file at the top of the repository",
    type="insight",
    severity="low",
)
def missing_licence(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report a repository without a licence file at its top."""
    found = licences(ctx.get_data("list_files")["files"])
    missing = resource(
        "LICENSE",
        "The repository has no licence file. Add LICENSE at its top: without one nobody else may "
        "use it",
    )
    return judged(
        [] if found else [missing], f"licence: {', '.join(found[:3])}", missing["message"]
    )


def licences(files: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the paths of licence files."""
    return [file["path"] for file in files if LICENCE.fullmatch(file["path"])]
