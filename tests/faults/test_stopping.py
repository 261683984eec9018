"""SIGTERM to a worker: no new lease, drain, hand back, flush, exit 0."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.site import Site

Wait = Callable[..., Any]


def deploy(site: Site, tmp_path: Path) -> str:
    site.init()
    return site.deploy("gated", gate=str(tmp_path / "gate"))


def test_running_job_finishes_and_is_reported_while_new_ones_wait(
    site: Site, tmp_path: Path, wait_until: Wait, marked: Callable[[], list[Any]]
) -> None:
    deployment = deploy(site, tmp_path)
    worker = site.start_worker()
    first = site.submit(deployment)
    wait_until(marked)

    worker.signal(signal.SIGTERM)
    wait_until(lambda: worker.said("worker stopping"))
    second = site.submit(deployment)
    (tmp_path / "gate").touch()

    assert worker.wait() == 0
    assert site.job(first)["status"] == "success"
    assert site.job(second)["status"] == "pending"
    assert not worker.said("job started", job_id=second)
    assert worker.said("worker stopped")
    site.start_worker()
    assert site.ended(second)["status"] == "success"


def test_job_that_does_not_finish_in_time_is_handed_back_without_a_loss(
    site: Site, tmp_path: Path, wait_until: Wait, marked: Callable[[], list[Any]]
) -> None:
    deployment = deploy(site, tmp_path)
    worker = site.start_worker(drain_seconds="0.2")
    job_id = site.submit(deployment)
    wait_until(marked)

    assert worker.stop() == 0

    job = site.job(job_id)
    assert (job["status"], job["attempt"]) == ("pending", 1)
    assert worker.said("jobs handed back", jobs=[job_id])
    (tmp_path / "gate").touch()
    site.start_worker()
    assert site.ended(job_id)["attempt"] == 2


def test_second_signal_hurries(
    site: Site, tmp_path: Path, wait_until: Wait, marked: Callable[[], list[Any]]
) -> None:
    deployment = deploy(site, tmp_path)
    worker = site.start_worker(drain_seconds="600")
    job_id = site.submit(deployment)
    wait_until(marked)
    worker.signal(signal.SIGTERM)
    wait_until(lambda: worker.said("worker stopping"))

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    assert site.job(job_id)["status"] == "pending"


def test_worker_that_waits_for_the_api_ends_at_once(site: Site, wait_until: Wait) -> None:
    site.api.stop()
    worker = site.launch_worker()
    wait_until(lambda: worker.said("waiting for the API"))

    assert worker.stop() == 0
