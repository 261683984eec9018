"""What a plugin can use up: its own share, and the job says which limit it met."""

from collections.abc import Callable
from typing import Any

import pytest

Prison = Any
Eventually = Callable[[Callable[[], object]], None]


@pytest.mark.parametrize(
    ("act", "settings", "named"),
    [
        ("use_up_memory", {"memory_limit_mb": 256}, "memory limit 256 MB"),
        ("use_up_memory_in_parts", {"memory_limit_mb": 256}, "memory limit 256 MB"),
        ("use_up_processes", {"process_limit": 40}, "process limit 40"),
        ("use_up_threads", {"process_limit": 40}, "process limit 40"),
        ("use_up_files", {"open_files_limit": 128}, "open files limit 128"),
        ("use_up_cpu", {"cpu_limit_seconds": 1}, "CPU limit 1 s"),
        ("write_one_large_file", {"disk_limit_mb": 8}, "disk limit 8 MB"),
        ("write_many_files", {"disk_limit_mb": 8}, "disk limit 8 MB"),
        ("make_empty_files", {"disk_limit_mb": 8}, "disk limit 8 MB"),
    ],
)
def test_job_that_uses_up_its_share_says_which(
    prison_with: Callable[..., Prison],
    eventually: Eventually,
    act: str,
    settings: dict[str, Any],
    named: str,
) -> None:
    prison = prison_with(**settings)
    job = prison.attack(act)
    assert named in job.reason
    assert job.results["after"]["status"] == "success"
    assert job.end.status == "partial"
    eventually(lambda: not prison.processes())


def test_limits_cannot_be_raised(prison: Prison) -> None:
    assert set(prison.attack("raise_limits").data.values()) == {"ValueError"}


def test_places_that_take_files_are_small(prison: Prison) -> None:
    filled = prison.attack("fill_what_is_shared").data
    shared_memory = filled.pop("/dev/shm")
    assert shared_memory["error"] == "ENOSPC"
    assert shared_memory["bytes"] <= 64 * 1024 * 1024
    assert {answer["bytes"] for answer in filled.values()} == {0}


def test_memory_that_no_process_shows_cannot_be_had(prison: Prison) -> None:
    kept = prison.attack("keep_memory_in_no_process").data
    assert set(kept.values()) == {"ENOSYS"}


def test_output_without_end_is_cut_and_read_slowly_and_its_job_goes_on(prison: Prison) -> None:
    job = prison.attack("print_without_end", seconds=1)
    assert job.end.status == "success"
    printed = "".join(event["text"] for event in job.events if event["type"] == "output")
    assert printed.endswith("\n[output cut at 262144 bytes]\n")
    assert len(printed) < 300_000
    assert job.data["megabytes"] < 400


def test_result_that_is_no_json_fails_its_task_alone(prison: Prison) -> None:
    job = prison.attack("return_what_is_no_json")
    assert job.reason.startswith("invalid result")
    assert job.results["after"]["status"] == "success"
