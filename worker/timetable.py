"""What the worker does by the clock: looks at the source, ticks, reclaims, says how it is."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from worker.api_answers import Tick
from worker.api_errors import ApiRefused, ApiUnavailable

MOST_SECONDS_TO_TICK = 15.0
LEAST_SECONDS_TO_TICK = 0.2  # a worker whose clock is ahead does not ask without pause
RECLAIM_SECONDS = 600.0
HEARTBEAT_SECONDS = 5.0
CLOCK_SECONDS = 1.0  # how often it is looked whether the clock was set back
SET_BACK_SECONDS = 1.0  # what is less delays a duty by no more than that

log = structlog.get_logger()


@dataclass(frozen=True)
class Duties:
    """What there is to do; each returns quickly or does its work elsewhere."""

    sync: Callable[[], object]
    tick: Callable[[], Tick]
    reclaim: Callable[[], object]
    heartbeat: Callable[[], object]


class Timetable:
    """APScheduler's jobs; a duty that is late or still running is not piled up.

    APScheduler goes by the clock on the wall: when that is set back, nothing would be due until it
    is as late again. So whatever there is to do is due at once then.
    """

    def __init__(
        self,
        duties: Duties,
        sync_seconds: float,
        lease_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._duties = duties
        self._clock = clock
        self._stopped = threading.Event()
        self._sync_seconds = sync_seconds
        self._most_seconds_to_tick = min(MOST_SECONDS_TO_TICK, lease_seconds / 2)
        # Three beats in a lease: one that is lost makes nobody take the worker for silent.
        self._heartbeat_seconds = min(HEARTBEAT_SECONDS, lease_seconds / 3)
        self._refused = False
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Begin; the first tick and the first heartbeat are at once."""
        self._every(self._duties.sync, "sync", self._sync_seconds)
        self._every(self._duties.reclaim, "reclaim", RECLAIM_SECONDS)
        self._every(self._duties.heartbeat, "heartbeat", self._heartbeat_seconds)
        self._scheduler.modify_job("heartbeat", next_run_time=datetime.now(UTC))
        # An interval, not a date: APScheduler trips over a job that ends while it shuts down.
        self._scheduler.add_job(
            self._tick,
            "interval",
            seconds=self._most_seconds_to_tick,
            id="tick",
            next_run_time=datetime.now(UTC),
        )
        self._scheduler.start()
        threading.Thread(target=self._watch_clock, name="clock", daemon=True).start()

    def stop(self) -> None:
        """End; a duty that runs is left to itself."""
        self._stopped.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _every(self, duty: Callable[[], object], name: str, seconds: float) -> None:
        self._scheduler.add_job(duty, "interval", seconds=seconds, id=name, jitter=seconds * 0.05)

    def _watch_clock(self) -> None:
        ahead = self._clock() - time.monotonic()
        while not self._stopped.wait(CLOCK_SECONDS):
            before, ahead = ahead, self._clock() - time.monotonic()
            if ahead < before - SET_BACK_SECONDS:
                log.warning(
                    "clock set back", seconds=round(before - ahead, 1), advice="nothing to do"
                )
                self._begin_anew()

    def _begin_anew(self) -> None:
        for job in self._scheduler.get_jobs():
            with suppress(JobLookupError):  # it was stopped meanwhile
                job.modify(next_run_time=datetime.now(UTC))

    def _tick_after(self, seconds: float) -> None:
        with suppress(JobLookupError):  # it was stopped meanwhile
            self._scheduler.modify_job(
                "tick", next_run_time=datetime.now(UTC) + timedelta(seconds=seconds)
            )

    def _tick(self) -> None:
        wait_seconds = self._most_seconds_to_tick
        try:
            due = seconds_to_tick(self._duties.tick().next_due_at, datetime.now(UTC))
            wait_seconds = min(wait_seconds, due)
            self._refused = False
        except (ApiUnavailable, ApiRefused) as error:
            if not self._refused:
                log.warning("no tick", reason=error.reason, advice=error.advice)
            self._refused = True
        finally:
            self._tick_after(wait_seconds)


def seconds_to_tick(next_due_at: datetime | None, now: datetime) -> float:
    """Return how long to wait for the next tick."""
    if next_due_at is None:
        return MOST_SECONDS_TO_TICK
    seconds = (next_due_at - now).total_seconds()
    return min(max(seconds, LEAST_SECONDS_TO_TICK), MOST_SECONDS_TO_TICK)
