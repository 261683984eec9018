"""Judges sizes: a large file is in every clone for good."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.repository_audit.resources import counted, judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

MEBIBYTE = 1024 * 1024


@task(
    name="large_files",
    title="No large files",
    description="Files of the audited commit above `large_file_mb`",
    type="insight",
    severity="low",
)
def large_files(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report every file above the limit; ten times above it, it matters more."""
    limit_mb = float(ctx.config.get("large_file_mb", 5))
    resources = large_file_resources(ctx.get_data("list_files")["files"], limit_mb)
    return judged(
        resources,
        f"no file is larger than {limit_mb:g} MB",
        f"{counted(len(resources), 'file')} larger than {limit_mb:g} MB",
    )


def large_file_resources(
    files: Iterable[Mapping[str, Any]], limit_mb: float
) -> list[dict[str, Any]]:
    """Return a resource for each file above `limit_mb`, the largest first."""
    large = [file for file in files if file["size_bytes"] > limit_mb * MEBIBYTE]
    return [
        resource(
            file["path"],
            f"{file['path']} has {file['size_bytes'] / MEBIBYTE:,.1f} MB. Move it to Git LFS or to "
            "a release, or raise `large_file_mb` if it belongs here",
            "medium" if file["size_bytes"] > 10 * limit_mb * MEBIBYTE else None,
            size_bytes=file["size_bytes"],
        )
        for file in sorted(large, key=lambda file: (-file["size_bytes"], file["path"]))
    ]
