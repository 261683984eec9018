"""How a worker runs jobs and builds their environments, and what they may use."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from utils.settings_group import SettingsGroup


class JobSettings(SettingsGroup):
    """How a worker runs jobs and builds their environments, and what they may use."""

    concurrency: int = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1),
        ge=1,
        description="jobs at once on a worker",
    )
    task_timeout_seconds: float = Field(180, gt=0, description="deadline of one task")
    job_timeout_seconds: float = Field(3600, gt=0, description="deadline of one job")
    lease_seconds: float = Field(30, gt=0, description="how long a silent worker keeps a job")
    drain_seconds: float = Field(
        25, ge=0, description="how long a worker lets jobs finish after SIGTERM"
    )
    isolation: Literal["", "process", "sandbox"] = Field(
        "", description="`process` or `sandbox`; empty: the best that works here"
    )
    loopback: Literal["", "closed", "open"] = Field(
        "",
        description="`closed` or `open`: this machine, to jobs; empty: closed where it works",
    )
    loopback_ports: str = Field(
        "", description="ports of this machine, separated by commas, that jobs may reach"
    )
    readable_paths: str = Field(
        "", description="absolute paths, separated by colons, that jobs in a sandbox may read too"
    )
    egress: Literal["open", "declared"] = Field(
        "open",
        description="`declared`: jobs reach only the hosts that their integration declares",
    )
    egress_private: str = Field(
        "",
        description="private addresses that declared hosts may lead to, separated by commas",
    )
    redis_url_file: Path | None = Field(
        None,
        description="file with the URL of a Redis that the jobs of all workers share",
    )
    memory_limit_mb: int = Field(
        2048,
        ge=64,
        description="memory of a job, and address space of each of its processes, in MiB",
    )
    cpu_limit_seconds: int = Field(3600, ge=1, description="computing time of one process of a job")
    process_limit: int = Field(
        512, ge=8, description="processes and threads of a job, in a sandbox"
    )
    open_files_limit: int = Field(4096, ge=64, description="open files of one process of a job")
    disk_limit_mb: int = Field(2048, ge=1, description="files that a job keeps, in MiB")
    warm_processes: int = Field(
        16,
        ge=0,
        description="integrations that are kept imported, so that their jobs only fork; 0: none",
    )
    warm_memory_mb: int = Field(
        1024, ge=1, description="memory of all processes that are kept imported, in MiB"
    )
    result_limit_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, le=2**31, description="size of one task's result as JSON"
    )
    log_limit_bytes: int = Field(
        256 * 1024, ge=1024, description="output kept of one job, per stream"
    )
    debug_logs: str = Field(
        "",
        description="integrations, separated by commas, whose jobs log DEBUG lines too; `*`: all",
    )
    source_builds: str = Field(
        "", description="integrations, separated by commas, whose requirements may run build code"
    )
    build_timeout_seconds: float = Field(
        600, gt=0, description="deadline of one environment's build"
    )

    @property
    def source_builds_allowed(self) -> frozenset[str]:
        """The names of the integrations whose requirements may run build code."""
        return _names(self.source_builds)

    def keeps_debug_lines(self, integration: str) -> bool:
        """Tell whether the logs of an integration's jobs keep DEBUG lines."""
        return not _names(self.debug_logs).isdisjoint({integration, "*"})


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())
