"""What one job may use, and the words for a job that used it up."""

import re
from collections.abc import Mapping
from typing import Any

from utils.settings import Settings
from worker.job_order import Limits

MEGABYTE = 1024**2
CPU_GRACE_SECONDS = 5  # from the signal that can be caught to the one that cannot

# What Python, libc and the shell say when they meet a limit.
_MEMORY = re.compile(r"^(\w+\.)*MemoryError\b|std::bad_alloc", re.MULTILINE)
_PROCESSES = re.compile(
    r"can't start new thread|(fork|Fork|_exec|spawn)[^\0]*Resource temporarily unavailable"
)
_OPEN_FILES = re.compile(r"\[Errno 24\]|Too many open files")
_FILE_SIZE = re.compile(r"\[Errno 27\]|File too large|File size limit exceeded")


def limits_of(settings: Settings) -> Limits:
    """Return the limits of one job."""
    return Limits(
        task_timeout_seconds=settings.task_timeout_seconds,
        job_timeout_seconds=settings.job_timeout_seconds,
        memory_limit_mb=settings.memory_limit_mb,
        result_limit_bytes=settings.result_limit_bytes,
        log_limit_bytes=settings.log_limit_bytes,
        cpu_limit_seconds=settings.cpu_limit_seconds,
        process_limit=settings.process_limit,
        open_files_limit=settings.open_files_limit,
        disk_limit_mb=settings.disk_limit_mb,
    )


def process_limits(limits: Limits) -> dict[str, int]:
    """Return what holds for each process of a job from its start."""
    return {
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": limits.memory_limit_mb * MEGABYTE,
        "RLIMIT_NOFILE": limits.open_files_limit,
        "RLIMIT_FSIZE": limits.disk_limit_mb * MEGABYTE,
    }


def walls(limits: Limits, *, sandboxed: bool) -> dict[str, Any]:
    """Return what a job's child puts around itself; see `utils.confinement.confine`.

    Processes are counted a user, or a user namespace: only a sandbox has one of its own.
    """
    cpu = limits.cpu_limit_seconds
    held = {"RLIMIT_CPU": (cpu, cpu + CPU_GRACE_SECONDS)}
    if not sandboxed:
        return {"limits": held}
    held["RLIMIT_NPROC"] = (limits.process_limit, limits.process_limit)
    return {"limits": held, "enclosed": True}


def memory_limit(limits: Limits) -> str:
    """Name the limit on memory."""
    return f"memory limit {limits.memory_limit_mb} MB: TRUELINE_MEMORY_LIMIT_MB"


def cpu_limit(limits: Limits) -> str:
    """Name the limit on computing time."""
    return f"CPU limit {limits.cpu_limit_seconds} s: TRUELINE_CPU_LIMIT_SECONDS"


def process_limit(limits: Limits) -> str:
    """Name the limit on the number of processes and threads."""
    return f"process limit {limits.process_limit}: TRUELINE_PROCESS_LIMIT"


def disk_limit(limits: Limits) -> str:
    """Name the limit on a job's files."""
    return f"disk limit {limits.disk_limit_mb} MB: TRUELINE_DISK_LIMIT_MB"


def with_limit_named(result: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Return a task's result; where it failed at a limit its reason names that."""
    if result["status"] != "failed":
        return result
    text = "\n".join([result["reason"] or "", *(result["errors"] or ())])
    named = _limit_in(text, limits)
    if named is None:
        return result
    reason = result["reason"] or "it failed at a limit"
    return result | {"reason": f"{reason} ({named})"}


def _limit_in(text: str, limits: Limits) -> str | None:
    said: Mapping[re.Pattern[str], str] = {
        _MEMORY: memory_limit(limits),
        _PROCESSES: process_limit(limits),
        _OPEN_FILES: f"open files limit {limits.open_files_limit}: TRUELINE_OPEN_FILES_LIMIT",
        _FILE_SIZE: disk_limit(limits),
    }
    return next((name for pattern, name in said.items() if pattern.search(text)), None)
