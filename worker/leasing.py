"""Takes jobs from the API as there is room for them, and runs each in a thread of its own."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from worker.api_answers import Grant
from worker.api_client import ApiClient
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.backoff import Backoff
from worker.errors import WorkerError
from worker.held_leases import HeldLeases, steady_seconds
from worker.lease import Lease
from worker.stop_signal import StopSignal

POLL_SECONDS = 0.5  # a worker that stops waits for its last poll: a job may be in the answer
GATHER_SECONDS = 0.005  # after jobs came: slots that are free by then share the next request
POLL_SHARE = 0.25  # of a lease, which counts from when it was asked for

log = structlog.get_logger()


@dataclass(frozen=True)
class Room:
    """How much this worker takes on; while `may_take` says no, it takes nothing new."""

    slots: int
    poll_seconds: float = POLL_SECONDS
    may_take: Callable[[], bool] = lambda: True

    @classmethod
    def of(cls, slots: int, lease_seconds: float, may_take: Callable[[], bool]) -> "Room":
        """Return the room of a worker whose leases last `lease_seconds`."""
        return cls(slots, min(POLL_SECONDS, POLL_SHARE * lease_seconds), may_take)


class Leasing:
    """One thread that asks, and one for each job."""

    def __init__(
        self,
        client: ApiClient,
        held: HeldLeases,
        run: Callable[[Grant, StopSignal], str],
        room: Room,
        look: Callable[[], object] = lambda: None,
    ) -> None:
        self._look = look  # at the source
        self._looks_asked = 0
        self._client = client
        self._held = held
        self._run = run
        self._room = room
        self._changed = threading.Condition()
        self._jobs: set[threading.Thread] = set()
        self._given_up: list[Lease] = []
        self._refused = ""
        self._stop = threading.Event()
        self._backoff = Backoff()
        self._thread = threading.Thread(target=self._take_jobs, name="leasing", daemon=True)

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def take_no_more(self) -> None:
        """Take no more jobs from now on; what a poll still brings is given up."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()

    def stop(self, timeout_seconds: float) -> None:
        """Take no more jobs, and wait for the last poll; jobs that are running go on."""
        self.take_no_more()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def wait_until_idle(self, timeout_seconds: float) -> bool:
        """Wait until no job runs."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs, timeout_seconds)

    @property
    def running(self) -> int:
        """How many jobs run now."""
        return len(self._jobs)

    def given_up(self) -> tuple[Lease, ...]:
        """Return the leases of jobs that were interrupted and may go to another worker."""
        with self._changed:
            return tuple(self._given_up)

    def _take_jobs(self) -> None:
        while not self._stop.is_set():
            slots = self._free_slots()
            if slots:
                self._stop.wait(self._ask(slots))

    def _free_slots(self) -> int:
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._jobs) < self._room.slots or self._stop.is_set(),
                self._room.poll_seconds,
            )
            free = self._room.slots - len(self._jobs)
        if self._stop.is_set():
            return 0
        if not self._room.may_take():
            self._stop.wait(self._room.poll_seconds)
            return 0
        return free

    def _ask(self, slots: int) -> float:
        """Ask for jobs and start them; return how long to wait before asking again."""
        asked_at = steady_seconds()
        try:
            answer = self._client.lease(slots, self._room.poll_seconds)
        except (ApiUnavailable, ApiRefused) as error:
            self._say_refused(error)
            after = error.retry_after_seconds if isinstance(error, ApiUnavailable) else 0.0
            return self._backoff.next(after)
        self._backoff.reset()
        self._refused = ""
        self._heed(answer.looks_asked)
        for grant in answer.leases:
            self._start(grant, asked_at)
        return GATHER_SECONDS if answer.leases else 0.0

    def _heed(self, looks_asked: int | None) -> None:
        """Look at the source when a push was told to the API since the last answer."""
        if looks_asked is not None and looks_asked != self._looks_asked:
            self._looks_asked = looks_asked
            self._look()

    def _start(self, grant: Grant, asked_at: float) -> None:
        if self._stop.is_set():
            with self._changed:
                self._given_up.append(grant.lease)
            return
        thread = threading.Thread(
            target=self._carry_out, args=(grant, asked_at), name=f"job-{grant.job_id}", daemon=True
        )
        with self._changed:
            try:
                thread.start()
            except RuntimeError:  # no room for another: the worker ends, and hands the job back
                self._given_up.append(grant.lease)
                raise
            self._jobs.add(thread)

    def _carry_out(self, grant: Grant, asked_at: float) -> None:
        stop = StopSignal()
        goes_back = False
        try:
            with self._held.hold(grant.lease, grant.lease_seconds, asked_at, stop):
                status = self._run(grant, stop)
                goes_back = status == "interrupted" and not self._held.is_lost(grant.lease)
        finally:
            with self._changed:
                if goes_back:
                    self._given_up.append(grant.lease)
                self._jobs.discard(threading.current_thread())
                self._changed.notify_all()

    def _say_refused(self, error: WorkerError) -> None:
        if error.reason != self._refused:
            log.warning("no jobs to be had", reason=error.reason, advice=error.advice)
        self._refused = error.reason
