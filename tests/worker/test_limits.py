from typing import Any

import pytest

from worker.job_order import Limits
from worker.limits import process_limits, walls, with_limit_named

LIMITS = Limits(
    task_timeout_seconds=1,
    job_timeout_seconds=1,
    memory_limit_mb=100,
    result_limit_bytes=1024,
    log_limit_bytes=1024,
    cpu_limit_seconds=60,
    process_limit=20,
    open_files_limit=30,
    disk_limit_mb=40,
)


def test_each_process_is_limited_from_its_start() -> None:
    assert process_limits(LIMITS) == {
        "RLIMIT_CORE": 0,
        "RLIMIT_AS": 100 * 1024**2,
        "RLIMIT_NOFILE": 30,
        "RLIMIT_FSIZE": 40 * 1024**2,
    }


def test_processes_are_counted_where_nobody_else_has_any() -> None:
    assert walls(LIMITS, sandboxed=False) == {"limits": {"RLIMIT_CPU": (60, 65)}}
    assert walls(LIMITS, sandboxed=True) == {
        "limits": {"RLIMIT_CPU": (60, 65), "RLIMIT_NPROC": (20, 20)},
        "enclosed": True,
    }


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"reason": "MemoryError"}, "memory limit 100 MB"),
        ({"errors": ["Traceback\nnumpy.core.MemoryError: no 5 GiB"]}, "memory limit 100 MB"),
        ({"reason": "ValueError: the page says MemoryError"}, None),
        ({"reason": "MemoryError", "status": "success"}, None),
        ({"reason": "RuntimeError: can't start new thread"}, "process limit 20"),
        (
            {"errors": ["  self._fork_exec()\n[Errno 11] Resource temporarily unavailable"]},
            "process limit 20",
        ),
        ({"reason": "[Errno 11] Resource temporarily unavailable"}, None),
        ({"reason": "OSError: [Errno 24] Too many open files"}, "open files limit 30"),
        ({"reason": "OSError: [Errno 27] File too large"}, "disk limit 40 MB"),
    ],
)
def test_failure_at_a_limit_names_it(changes: dict[str, Any], named: str | None) -> None:
    result = {"status": "failed", "reason": None, "errors": None} | changes
    reason = with_limit_named(result, LIMITS)["reason"]
    assert reason == result["reason"] if named is None else named in reason
