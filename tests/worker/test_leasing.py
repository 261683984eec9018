from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from worker.api_answers import Grant
from worker.api_client import ApiClient
from worker.held_leases import HeldLeases
from worker.lease import Lease
from worker.leasing import POLL_SECONDS, Leasing, Room
from worker.stop_signal import StopSignal

if TYPE_CHECKING:
    from tests.conftest import NoMoreThreads
    from tests.worker.conftest import Asked, Eventually, Said, ScriptedApi

LEASES = "/api/v1/leases"


def grant(job_id: str) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "attempt": 1,
        "token": f"token-{job_id}",
        "kind": "scan",
        "lease_seconds": 60,
        "deployment_id": "d",
        "deployment_name": "d",
        "integration": "dns",
        "config": {},
    }


class Queue:
    """Jobs that the scripted API gives out, never more than were asked for."""

    def __init__(self, said: type[Said]) -> None:
        self._said = said
        self._pending: list[str] = []
        self._changed = threading.Condition()
        self.closing = False
        self.looks_asked: int | None = None

    def add(self, *job_ids: str) -> None:
        with self._changed:
            self._pending.extend(job_ids)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.closing = True
            self._changed.notify_all()

    def __call__(self, asked: Asked) -> Said:
        with self._changed:
            self._changed.wait_for(
                lambda: self._pending or self.closing, asked.body["wait_seconds"]
            )
            slots = asked.body["slots"]
            given, self._pending = self._pending[:slots], self._pending[slots:]
        leases = [grant(job_id) for job_id in given]
        return self._said(body={"leases": leases, "looks_asked": self.looks_asked})


class Jobs:
    """Runs that end when a test says so, or when they are stopped."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.ran: list[str] = []
        self.may_end = threading.Event()

    def __call__(self, leased: Grant, stop: StopSignal) -> str:
        self.running.append(leased.job_id)
        with stop.waking():
            while not self.may_end.wait(0.01) and stop.reason is None:
                pass
        self.running.remove(leased.job_id)
        self.ran.append(leased.job_id)
        return stop.reason or "success"


@pytest.fixture
def queue(scripted_api: ScriptedApi, said: type[Said]) -> Iterator[Queue]:
    queue = Queue(said)
    scripted_api.answers[LEASES] = queue
    yield queue
    queue.close()


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def held() -> HeldLeases:
    return HeldLeases()


@pytest.fixture
def start(
    scripted_api: ScriptedApi, queue: Queue, jobs: Jobs, held: HeldLeases
) -> Iterator[Callable[[Room], Leasing]]:
    client = ApiClient(scripted_api.url, "", "worker-1")
    started: list[Leasing] = []

    def start(room: Room) -> Leasing:
        leasing = Leasing(client, held, jobs, room)
        leasing.start()
        started.append(leasing)
        return leasing

    yield start
    jobs.may_end.set()
    queue.close()
    for leasing in started:
        leasing.stop(20)
        assert leasing.wait_until_idle(20)
    client.close()


def test_no_more_jobs_run_than_there_is_room_for_and_all_run_in_the_end(
    start: Callable[[Room], Leasing], queue: Queue, jobs: Jobs, eventually: Eventually
) -> None:
    queue.add("a", "b", "c", "d", "e")
    start(Room(slots=2, poll_seconds=0.2))
    eventually(lambda: len(jobs.running) == 2)

    jobs.may_end.set()

    eventually(lambda: sorted(jobs.ran) == ["a", "b", "c", "d", "e"])


def test_worker_asks_only_for_the_slots_that_are_free(
    start: Callable[[Room], Leasing],
    queue: Queue,
    jobs: Jobs,
    scripted_api: ScriptedApi,
    eventually: Eventually,
) -> None:
    queue.add("a")
    start(Room(slots=3, poll_seconds=0.1))

    eventually(lambda: jobs.running and scripted_api.bodies(LEASES)[-1]["slots"] == 2)

    assert scripted_api.bodies(LEASES)[0]["slots"] == 3


def test_lease_is_held_while_its_job_runs(
    start: Callable[[Room], Leasing],
    queue: Queue,
    jobs: Jobs,
    held: HeldLeases,
    eventually: Eventually,
) -> None:
    queue.add("a")
    leasing = start(Room(slots=1, poll_seconds=0.1))
    eventually(lambda: jobs.running)
    assert held.good() == (Lease("a", 1, "token-a"),)
    assert leasing.running == 1

    jobs.may_end.set()

    eventually(lambda: not held.good())


def test_stopping_takes_no_more_jobs_and_lets_running_ones_go_on(
    start: Callable[[Room], Leasing], queue: Queue, jobs: Jobs, eventually: Eventually
) -> None:
    queue.add("a")
    leasing = start(Room(slots=2, poll_seconds=0.1))
    eventually(lambda: jobs.running)

    leasing.stop(20)
    queue.add("b")

    assert not leasing.wait_until_idle(0.2)
    jobs.may_end.set()
    assert leasing.wait_until_idle(20)
    assert jobs.ran == ["a"]
    assert leasing.given_up() == ()


def test_job_that_comes_with_the_last_poll_goes_back(
    start: Callable[[Room], Leasing],
    queue: Queue,
    jobs: Jobs,
    scripted_api: ScriptedApi,
    eventually: Eventually,
) -> None:
    leasing = start(Room(slots=1, poll_seconds=10))
    eventually(lambda: scripted_api.asked)
    stopping = threading.Thread(target=leasing.stop, args=(20,))
    stopping.start()
    eventually(leasing._stop.is_set)

    queue.add("a")
    stopping.join(20)

    assert leasing.given_up() == (Lease("a", 1, "token-a"),)
    assert jobs.ran == []


def test_job_for_which_there_is_no_thread_goes_back(
    held: HeldLeases, jobs: Jobs, no_more_threads: NoMoreThreads
) -> None:
    client = ApiClient("http://127.0.0.1:9", "", "worker-1")
    leasing = Leasing(client, held, jobs, Room(slots=1))

    with no_more_threads(), pytest.raises(RuntimeError):
        leasing._start(Grant.model_validate(grant("a")), asked_at=0.0)

    assert leasing.given_up() == (Lease("a", 1, "token-a"),)
    assert leasing.wait_until_idle(0)
    client.close()


def test_interrupted_job_goes_back_and_a_lost_one_does_not(
    start: Callable[[Room], Leasing],
    queue: Queue,
    jobs: Jobs,
    held: HeldLeases,
    eventually: Eventually,
) -> None:
    queue.add("a", "b")
    leasing = start(Room(slots=2, poll_seconds=0.1))
    eventually(lambda: len(jobs.running) == 2)

    held.lose(Lease("a", 1, "token-a"))
    held.interrupt()

    eventually(lambda: len(jobs.ran) == 2)
    assert leasing.wait_until_idle(20)
    assert leasing.given_up() == (Lease("b", 1, "token-b"),)


def test_refusal_is_said_once_and_asked_again(
    start: Callable[[Room], Leasing],
    queue: Queue,
    jobs: Jobs,
    scripted_api: ScriptedApi,
    said: type[Said],
    eventually: Eventually,
) -> None:
    refusals = [said(409, {"detail": "version", "advice": "update"}), said(503)] * 2
    scripted_api.answers[LEASES] = lambda asked: refusals.pop(0) if refusals else queue(asked)
    queue.add("a")

    start(Room(slots=1, poll_seconds=0.1))

    eventually(lambda: jobs.running == ["a"])


def test_worker_whose_outbox_fills_asks_for_nothing(
    start: Callable[[Room], Leasing],
    queue: Queue,
    jobs: Jobs,
    scripted_api: ScriptedApi,
    eventually: Eventually,
) -> None:
    looks: list[bool] = []

    def may_take() -> bool:
        looks.append(True)
        return len(looks) > 3

    queue.add("a")
    start(Room(slots=1, poll_seconds=0.05, may_take=may_take))
    eventually(lambda: looks)
    assert not scripted_api.asked

    eventually(lambda: jobs.running == ["a"])


def test_polls_are_short_beside_a_short_lease() -> None:
    assert Room.of(1, 30, lambda: True).poll_seconds == POLL_SECONDS
    assert Room.of(1, 1, lambda: True).poll_seconds == pytest.approx(0.25)


def _has_asked(scripted: ScriptedApi, times: int) -> bool:
    return len(scripted.asked) >= times


def test_source_is_looked_at_when_pushes_were_told_and_not_again_for_the_same_ones(
    scripted_api: ScriptedApi,
    queue: Queue,
    jobs: Jobs,
    held: HeldLeases,
    eventually: Eventually,
) -> None:
    looks: list[int] = []
    client = ApiClient(scripted_api.url, "", "worker-1")
    room = Room(slots=1, poll_seconds=0.01)
    leasing = Leasing(client, held, jobs, room, lambda: looks.append(len(looks)))
    leasing.start()
    try:
        eventually(lambda: len(scripted_api.asked) > 3)
        assert looks == []  # an older API says nothing
        for number in (0, 3, 3, None, 3, 4):
            queue.looks_asked = number
            more = len(scripted_api.asked) + 3
            eventually(partial(_has_asked, scripted_api, more))
        assert len(looks) == 2
    finally:
        leasing.stop(20)
        client.close()
