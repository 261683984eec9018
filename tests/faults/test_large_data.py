"""Large data when worker or API die on its way: all of it in the end, and nothing left behind."""

from __future__ import annotations

import hashlib
import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.site import Site

SECRET = "correct-horse-battery"
CHUNK = "/api/v1/jobs/{}/data/"


@pytest.fixture
def integrations() -> tuple[str, ...]:
    return ("bulky",)


@pytest.fixture
def deployment(site: Site) -> str:
    site.init()
    return site.deploy("bulky", token=SECRET)


def expected() -> dict[str, Any]:
    rows = [
        {"n": n, "digest": hashlib.sha512(str(n).encode()).hexdigest(), "seen": f"by *** {n}"}
        for n in range(30_000)
    ]
    return {"rows": rows, "log": "x***" * 400_000}


def check_whole(site: Site, job_id: str) -> None:
    job = site.ended(job_id)
    assert job["status"] == "success", job["error"]
    tasks = site.tasks(job_id)
    assert tasks["count"]["data"] == {"rows": 30_000}
    large = tasks["gather"]["large_data"]
    answer = site.http.get(large["url"], headers={"Accept-Encoding": "identity"})
    assert len(answer.content) == large["size_bytes"]
    assert json.loads(answer.content) == expected()
    (kept,) = site.records("SELECT DISTINCT job_id, attempt, sha256 FROM large_data")
    assert kept == [(job_id, job["attempt"], large["sha256"])]


def files_left(site: Site, name: str = "worker") -> list[str]:
    return [path.name for path in (site.path / name / "outbox-data").glob("*")]


@pytest.mark.parametrize(
    "point",
    [
        "large_files.before_rename",
        "outbox-task_finished",
        "uploads.before_chunk",
        "outbox-job_finished",
    ],
)
def test_worker_killed_on_the_way_leaves_one_whole_result_and_no_file(
    site: Site, deployment: str, wait_until: Any, point: str
) -> None:
    worker = site.start_worker(failpoint=f"{point}:kill9")
    job_id = site.submit(deployment)
    assert worker.wait() == -signal.SIGKILL

    site.start_worker()

    check_whole(site, job_id)
    wait_until(lambda: not files_left(site))


@pytest.mark.both_databases
def test_api_killed_between_chunks_goes_on_where_it_was(
    site: Site, deployment: str, wait_until: Any
) -> None:
    site.start_worker()
    job_id = site.submit(deployment)
    wait_until(lambda: _chunks(site) >= 1)
    site.api.kill_group()
    site.start_api()

    check_whole(site, job_id)
    assert site.job(job_id)["attempt"] == 1
    wait_until(lambda: not files_left(site))


def test_a_worker_that_was_cut_off_drops_its_data_and_the_next_one_brings_its_own(
    site: Site, deployment: str, wait_until: Any
) -> None:
    first = site.start_worker("first")
    job_id = site.submit(deployment)
    wait_until(lambda: _chunks(site) >= 1 or site.job(job_id)["status"] == "success")
    site.proxies[0].is_cut.set()
    site.start_worker("second")
    wait_until(lambda: site.job(job_id)["status"] == "success" or first.said("lease lost"))
    wait_until(lambda: site.job(job_id)["status"] == "success")
    site.proxies[0].is_cut.clear()

    check_whole(site, job_id)
    wait_until(lambda: not files_left(site, "first") and not files_left(site, "second"))


def _chunks(site: Site) -> int:
    return int(site.records("SELECT count(*) FROM large_data")[0][0][0])
