"""Clocks that are wrong, and clocks that jump, under a real API and worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.site import Site

Wait = Callable[..., Any]
TWO_HOURS = 2 * 60 * 60


class Clock:
    """The wall clock of processes that start with its variables; it can be set while they run."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, ahead_seconds: int) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{ahead_seconds:+d}")
        beside.replace(self._file)

    @property
    def variables(self) -> dict[str, str]:
        package = find_spec("libfaketime")  # the module itself is not needed, only its library
        assert package is not None
        assert package.origin is not None
        library = Path(package.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.mark.parametrize("ahead_seconds", [TWO_HOURS, -TWO_HOURS], ids=["ahead", "behind"])
def test_worker_whose_clock_is_wrong_keeps_its_lease_and_its_job_has_the_apis_times(
    site: Site,
    clock: Clock,
    gate: Path,
    marked: Callable[[], Any],
    wait_until: Wait,
    ahead_seconds: int,
) -> None:
    site.init()
    clock.set(ahead_seconds)
    site.environ = clock.variables
    worker = site.start_worker()
    (said,) = worker.said("worker ready")
    job_id = site.submit(site.deploy("gated", gate=str(gate)))
    wrong_by = time_of(said["timestamp"]) - time_of(site.job(job_id)["created_at"])
    assert abs(wrong_by - timedelta(seconds=ahead_seconds)) < timedelta(hours=1)
    wait_until(marked)
    site.wait_leases(3)
    gate.touch()
    site.check_complete(job_id, 1, "wait")
    job = site.job(job_id)
    created, started, ended = (
        time_of(job[f"{it}_at"]) for it in ("created", "started", "finished")
    )
    assert created <= started <= ended < created + timedelta(hours=1)


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_clock_of_the_api_that_jumps_gives_each_due_time_one_job(
    site: Site, clock: Clock, gate: Path, wait_until: Wait
) -> None:
    site.api.stop()
    site.environ = clock.variables
    site.start_api()
    site.environ = {}
    site.init()
    gate.touch()
    site.start_worker()
    deployment = site.deploy("gated", gate=str(gate))
    site.http.patch(f"/api/v1/deployments/{deployment}", json={"schedule": "every 10s"})

    def due_times() -> list[str]:
        jobs = site.http.get("/api/v1/jobs?sort=created_at").json()["items"]
        return [job["due_at"] for job in jobs]

    for number, ahead_seconds in enumerate((0, TWO_HOURS, 0), start=1):
        clock.set(ahead_seconds)
        wait_until(lambda number=number: len(due_times()) >= number)
    found = due_times()
    assert len(found) == len(set(found)), "a due time has two jobs"
