"""Workers that die, freeze or are cut off: one complete result of each job all the same."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from tests.faults.site import Site

Wait = Callable[..., Any]
Marked = Callable[[], list[tuple[psutil.Process, psutil.Process]]]
IsGone = Callable[[psutil.Process], bool]


@pytest.fixture
def deployment(site: Site, gate: Path) -> str:
    site.init()
    return site.deploy("gated", gate=str(gate))


@pytest.mark.parametrize("level", ["sandbox", "process"])
def test_worker_killed_in_a_task_leaves_no_process_and_its_restart_gives_one_complete_result(
    site: Site, deployment: str, gate: Path, marked: Marked, wait_until: Wait, is_gone: IsGone
) -> None:
    worker = site.start_worker()
    job_id = site.submit(deployment)
    ((task, helper),) = wait_until(marked)

    worker.kill()

    wait_until(lambda: is_gone(task) and is_gone(helper), timeout_seconds=2)
    gate.touch()
    site.start_worker()
    site.check_complete(job_id, 2, "wait")
    assert worker.said("worker ready", isolation=site.level)


@pytest.mark.parametrize(
    ("event", "attempt", "api_settings"),
    [
        ("started", 2, {}),
        ("task_finished", 2, {}),
        ("job_finished", 1, {"lease_seconds": "30"}),  # it has to be there again within its lease
    ],
)
def test_event_that_reached_the_outbox_is_sent_after_a_kill_and_recorded_once(
    site: Site, gate: Path, event: str, attempt: int
) -> None:
    # What a moment brings is committed together: a gate holds back what follows the event.
    late_gate = gate.with_name("late-gate")
    for path in {"started": (), "task_finished": (gate,)}.get(event, (gate, late_gate)):
        path.touch()
    site.init()
    deployment = site.deploy("gated", gate=str(gate), late_gate=str(late_gate))
    worker = site.start_worker(failpoint=f"outbox-{event}:kill9")
    job_id = site.submit(deployment)
    assert worker.wait() == -signal.SIGKILL

    gate.touch()
    late_gate.touch()
    site.start_worker()

    site.check_complete(job_id, attempt, "wait")


@pytest.mark.both_databases
def test_report_whose_reply_was_lost_is_recorded_once(
    site: Site, deployment: str, gate: Path, wait_until: Wait
) -> None:
    gate.touch()
    site.start_worker()
    site.proxies[0].replies_to_drop["/api/v1/events"] = 2

    job_id = site.submit(deployment)

    site.check_complete(job_id, 1, "wait")
    wait_until(lambda: site.proxies[0].dropped == ["/api/v1/events"] * 2)
    site.check_complete(job_id, 1, "wait")


@pytest.mark.both_databases
def test_job_outlives_an_api_that_is_away_for_several_leases(
    site: Site, deployment: str, gate: Path, marked: Marked, wait_until: Wait
) -> None:
    worker = site.start_worker()
    job_id = site.submit(deployment)
    wait_until(marked)

    site.api.kill_group()
    wait_until(lambda: worker.said("leases cannot be renewed"))
    # Its lease has run out twice by now on the API's clock; nobody else can have the job.
    site.wait_leases(2)
    gate.touch()
    wait_until(lambda: worker.said("job ended", job_id=job_id, status="success"))
    site.start_api()

    site.check_complete(job_id, 1, "wait")
    assert not worker.said("lease lost")


@pytest.mark.both_databases
def test_job_of_a_worker_that_was_cut_off_runs_elsewhere_and_the_late_report_is_dropped(
    site: Site, deployment: str, gate: Path, marked: Marked, wait_until: Wait, is_gone: IsGone
) -> None:
    cut_off = site.start_worker("first")
    job_id = site.submit(deployment)
    ((task, _),) = wait_until(marked)
    site.proxies[0].is_cut.set()
    site.start_worker("second")

    wait_until(lambda: cut_off.said("lease lost", job_id=job_id))
    wait_until(lambda: is_gone(task))
    wait_until(lambda: len(marked()) == 2)
    site.proxies[0].is_cut.clear()
    gate.touch()

    site.check_complete(job_id, 2, "wait")
    assert site.job(job_id)["worker"] != site.worker_name("first")


def test_worker_that_was_frozen_stops_its_job_when_it_wakes_and_its_report_is_refused(
    site: Site, deployment: str, gate: Path, marked: Marked, wait_until: Wait
) -> None:
    frozen = site.start_worker("first")
    job_id = site.submit(deployment)
    wait_until(marked)
    frozen.signal(signal.SIGSTOP)
    site.start_worker("second")
    wait_until(lambda: len(marked()) == 2)
    gate.touch()
    site.check_complete(job_id, 2, "wait")

    frozen.signal(signal.SIGCONT)

    wait_until(lambda: frozen.said("job ended", job_id=job_id))
    wait_until(lambda: frozen.said("lease lost") or frozen.said("report dropped"))
    site.check_complete(job_id, 2, "wait")
    assert frozen.stop() == 0


@pytest.mark.parametrize("level", ["process"])  # out of a sandbox it could not
def test_job_that_always_kills_its_worker_fails_with_the_story_after_three(
    site: Site, tmp_path: Path
) -> None:
    site.init()
    victim = tmp_path / "victim"
    job_id = ""
    for _ in range(3):
        worker = site.launch_worker()
        victim.write_text(str(worker.pid))
        job_id = job_id or site.submit(site.deploy("gated", kill=str(victim)))
        assert worker.wait() == -signal.SIGKILL
    site.launch_worker()

    job = site.ended(job_id)

    assert (job["status"], job["attempt"]) == ("failed", 3)
    assert "lost 3 times" in job["error"]["reason"]
