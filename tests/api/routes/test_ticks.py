from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from api.state import State
from api.wakeups import WORK
from utils import __version__

if TYPE_CHECKING:
    from tests.api.desk import Desk


def tick(desk: "Desk") -> dict[str, Any]:
    return desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w1"}))


def test_a_tick_tells_what_it_did_and_when_the_next_is_due(desk: "Desk") -> None:
    desk.deploy("hourly", schedule="0 * * * *")
    assert tick(desk) == {"created": [], "expired": [], "next_due_at": "2026-03-02T13:00:00.000Z"}
    desk.clock.move(hours=1)
    done = tick(desk)
    (job_id,) = done["created"]
    assert done["next_due_at"] == "2026-03-02T14:00:00.000Z"
    assert desk.job(job_id)["due_at"] == "2026-03-02T13:00:00.000Z"


def test_a_due_job_wakes_a_worker_that_waits(desk: "Desk", state: State) -> None:
    desk.deploy("hourly", schedule="0 * * * *")
    desk.clock.move(hours=1)
    other = desk.client.application.test_client()
    wanted = {"worker": "w1", "slots": 1, "wait_seconds": 30, "version": __version__}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.post, "/api/v1/leases", json=wanted)
        while WORK not in state.wakeups._watches:
            state.wakeups._stop.wait(0.01)
        created = tick(desk)["created"]
        leases = desk.good(waiting.result(25))["leases"]
    assert [lease["job_id"] for lease in leases] == created


def test_no_lease_expires_within_one_lease_of_the_apis_start(desk: "Desk", state: State) -> None:
    lease_seconds = state.settings.lease_seconds
    job_id = desk.start()
    desk.lease()
    desk.clock.move(seconds=lease_seconds)
    assert tick(desk)["expired"] == []
    desk.clock.move(seconds=1)
    assert tick(desk)["expired"] == [job_id]


def test_a_tick_needs_the_workers_name_and_nothing_else(desk: "Desk") -> None:
    for body in ({}, {"worker": ""}, {"worker": "w1", "force": True}):
        assert desk.client.post("/api/v1/ticks", json=body).status_code == 422
