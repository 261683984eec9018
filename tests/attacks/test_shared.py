"""What a plugin can do to jobs beside it, to those after it, and to the worker that reads it."""

from collections.abc import Callable
from typing import Any

import pytest

Prison = Any
Eventually = Callable[[Callable[[], object]], None]


def test_no_memory_outlives_its_job(prison: Prison) -> None:
    assert set(prison.attack("leave_memory").data.values()) == {"EPERM"}


def test_names_in_shared_memory_are_not_told(prison: Prison) -> None:
    seen = prison.attack("keep_in_shared_memory").data
    assert seen["own"] == "x"
    assert seen["names"] == "EACCES"
    assert set(prison.attack("watch_for_names").data.values()) == {"ENOSYS"}


def test_limits_and_priorities_of_others_stay(prison: Prison) -> None:
    changed = prison.attack("spoil_processes").data
    assert changed.pop("others") == ["EPERM"]
    assert set(changed.values()) == {"done"}


def test_nobody_has_to_wait_for_a_file_of_a_job(prison: Prison) -> None:
    assert set(prison.attack("stop_readers").data.values()) == {"EPERM"}


def test_next_job_starts_whatever_became_of_the_folder_around(
    prison: Prison, eventually: Eventually
) -> None:
    closed = prison.attack("close_the_folder_around")
    assert closed.end.status == ("partial" if prison.is_warm else "success")
    assert prison.attack("leave_memory").end.status == "success"
    assert prison.executor.warm.totals().processes == int(prison.is_warm)
    eventually(lambda: not prison.processes())


def test_folders_without_end_are_removed_with_their_job(prison: Prison) -> None:
    assert prison.attack("nest_folders", levels=1500).end.status == "success"
    left = [path for path in (prison.data / "jobs").glob("run-*/of-*/*") if (path / "d").exists()]
    assert not left


def test_files_are_not_hidden_from_the_limit_in_folders_without_end(
    prison_with: Callable[..., Prison],
) -> None:
    prison = prison_with(disk_limit_mb=64)
    job = prison.attack("nest_folders", levels=2500, waits=True)
    assert "disk limit 64 MB" in job.reason
    assert job.results["after"]["status"] == "success"


def test_announcements_without_end_cost_a_job_itself_alone(prison: Prison) -> None:
    job = prison.attack("announce_without_end", times=2000)
    assert job.end.status == "success"
    said = "".join(event["text"] for event in job.events if event["type"] == "output")
    assert "[1999 lines on the event channel were ignored]" in said


def test_line_without_end_ends_its_child(prison: Prison) -> None:
    job = prison.attack("report_a_line_without_end")
    assert "event channel" in job.reason
    assert job.results["after"]["status"] == "success"


@pytest.mark.parametrize(
    ("head", "tail", "times", "told"),
    [
        ("[\n", "]\n", 100_000, "nested deeper than 200 levels"),
        ("[\n]\n", "", 1, ""),
    ],
)
def test_large_data_that_nobody_could_read_is_refused(
    prison: Prison, head: str, tail: str, times: int, told: str
) -> None:
    job = prison.attack("write_large", head=head, tail=tail, times=times)
    result = job.results["attack"]
    assert result["status"] == ("failed" if told else "success")
    assert told in (result["reason"] or "")


def test_large_data_of_a_result_that_does_not_count_is_not_kept(prison: Prison) -> None:
    job = prison.attack("write_large", head="[\n]\n", tail="", times=1, type="insight", reports=50)
    assert job.end.status == "success"
    assert not list((prison.data / "jobs" / "large").glob("*/*"))
