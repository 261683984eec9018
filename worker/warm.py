"""Warm processes: one per integration in use, kept while there is room, passed over when it fails.

A job that cannot be forked from one gets a fresh interpreter; nothing else about it differs.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

from worker.host import Host
from worker.job_directories import JobDirectories
from worker.job_order import Description, Prepared
from worker.launcher import Command, Running
from worker.warm_place import NONE_WARM, Key, Place, WarmLimits, key_of, too_large
from worker.warm_process import NotWarm, WarmGone, WarmProcess, start_warm
from worker.warm_state import WarmStarted, WarmState, WarmTotals

LOOK_SECONDS = 0.05  # how often a job that waits for a start looks whether it should end
RETRY_SECONDS = 600.0  # until a start that failed for a passing reason is tried again
PROC = Path("/proc/self/task")

__all__ = ["NONE_WARM", "WarmLimits", "WarmStarts"]

log = structlog.get_logger()


class WarmStarts:
    """The pool. Any thread may call it; starts happen in threads of their own."""

    def __init__(self, host: Host, directories: JobDirectories, limits: WarmLimits) -> None:
        self._host = host
        self._directories = directories
        self._limits = limits
        self._lock = threading.Lock()
        self._places: dict[Key, Place] = {}
        self._leaving: set[Place] = set()
        self._starting: set[threading.Thread] = set()
        self._uses = 0
        self._started = WarmStarted()
        self._is_open = limits.processes > 0 and PROC.is_dir()

    def spawn(
        self, prepared: Prepared, command: Command, stdin: bytes, give_up: Callable[[], bool]
    ) -> Running | None:
        """Fork a job's child; None when it has to be started afresh.

        The first job of an integration waits for the import, until `give_up` says otherwise.
        """
        place = self._enter(prepared)
        if place is None:
            return None
        running = None
        try:
            while not place.settled.wait(LOOK_SECONDS) and not give_up():
                pass
            if place.process is not None:
                running = place.process.spawn(command, stdin)
                running.on_close = partial(self._end_job, key_of(prepared), place, running)
        except WarmGone:
            self._lose(key_of(prepared), place)
        finally:
            if running is None:
                self._leave(place)
        return running

    def describe(self, prepared: Prepared) -> Description | None:
        """Return what a process tells of its tasks that stays for the integration's first job.

        None where there is no room for one, or it does not tell: then ask a fresh interpreter.
        """
        place = None if prepared.preload is not None else self._enter(prepared, for_job=False)
        if place is None:
            return None
        try:
            place.settled.wait()
            if place.process is not None:
                return Description(tasks=place.process.tasks)
            return place.obstacle.description if place.obstacle else None
        finally:
            self._leave(place)

    def state(self, prepared: Prepared) -> WarmState:
        """Return how an integration starts now."""
        if not self._is_open:
            return WarmState("off")
        with self._lock:
            place = self._places.get(key_of(prepared))
            if place is None:
                return WarmState("idle")
            if place.obstacle is not None:
                return WarmState("unfit", place.obstacle.reason)
            return WarmState("ready" if place.process else "idle")

    def totals(self) -> WarmTotals:
        """Return how many there are, and what they take."""
        with self._lock:
            processes = [place for place in self._all() if place.process]
            return WarmTotals(
                len(processes),
                sum(place.memory_bytes for place in processes),
                sum(place.process.waiting for place in processes if place.process),
            )

    def started(self) -> WarmStarted:
        """Return how children of jobs were started so far."""
        with self._lock:
            return self._started

    def count_start(self, *, warm: bool) -> None:
        """Count the start of a job's child."""
        with self._lock:
            self._started = WarmStarted(self._started.warm + warm, self._started.cold + (not warm))

    def retain(self, offered: Iterable[Prepared]) -> None:
        """End the processes of what is offered no more, and forget those that died.

        Where jobs used one, another is started of what its integration is offered as now.
        """
        wanted = {key_of(prepared): prepared for prepared in offered}
        renewed: list[Prepared] = []
        with self._lock:
            for key, place in list(self._places.items()):
                died = place.process is not None and not place.process.is_alive
                if died or key not in wanted:
                    self._give_up(key, place)
                    if place.used:
                        renewed += (it for other, it in wanted.items() if other.replaces(key))
            if renewed:
                with suppress(RuntimeError):  # no thread is to be had: the next jobs start them
                    self._in_thread("renewing", partial(self._renew, renewed))

    def close(self) -> None:
        """End all of them, and the jobs that they have forked."""
        with self._lock:
            self._is_open = False
            for key, place in list(self._places.items()):
                self._give_up(key, place)
            starting, leaving = list(self._starting), list(self._leaving)
        for thread in starting:
            thread.join()
        for place in leaving:
            if place.process is not None:
                place.process.end()

    def _renew(self, wanted: Iterable[Prepared]) -> None:
        """Start some, one after the other, so that jobs keep most of the machine."""
        for prepared in wanted:
            self.describe(prepared)

    def _enter(self, prepared: Prepared, *, for_job: bool = True) -> Place | None:
        """Take a part in the place of an integration; None when it cannot have one now.

        What is not for a job takes room that is free, and nobody's.
        """
        key = key_of(prepared)
        with self._lock:
            place = self._places.get(key)
            if place is not None and place.obstacle and time.monotonic() >= place.retry_at:
                self._places.pop(key)
                place = None
            if place is None and self._is_open and self._has_room(make=for_job):
                place = self._begin(key, prepared)
            if place is None or place.obstacle:
                return None
            if for_job:
                self._uses += 1
                place.used = self._uses
            place.jobs += 1
            return place

    def _end_job(self, key: Key, place: Place, running: Running) -> None:
        if running.orphaned:
            self._lose(key, place)
        elif running.left_over:  # it takes room from the next ones, which get another process
            self._drop(key, place)
        self._leave(place)

    def _leave(self, place: Place) -> None:
        with self._lock:
            place.jobs -= 1
            self._end_if_done(place)

    def _has_room(self, *, make: bool) -> bool:
        """Whether there is room for one more; `make` it by ending the one used least recently."""
        while sum(place.counts for place in self._all()) >= self._limits.processes:
            if not make or not self._give_up_oldest():
                return False
        return True

    def _give_up_oldest(self) -> bool:
        idle = [
            (place.used, key)
            for key, place in self._places.items()
            if place.process is not None and not place.jobs
        ]
        if not idle:
            return False
        _, key = min(idle)
        self._give_up(key, self._places[key])
        return True

    def _in_thread(self, name: str, act: Callable[[], None]) -> None:
        """Do it beside; `close` waits for it. The lock must be held."""

        def run() -> None:
            try:
                act()
            finally:
                with self._lock:
                    self._starting.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name)
        thread.start()
        self._starting.add(thread)

    def _begin(self, key: Key, prepared: Prepared) -> Place:
        place = self._places[key] = Place()
        try:
            self._in_thread("warming", partial(self._start, key, place, prepared))
        except RuntimeError as error:  # this machine has no room for another thread
            self._settle(key, place, NotWarm(str(error), lasting=False))
        return place

    def _start(self, key: Key, place: Place, prepared: Prepared) -> None:
        answer: WarmProcess | NotWarm = NotWarm("the worker itself failed", lasting=False)
        try:
            directory = self._directories.make(prepared.integration)
            answer = start_warm(self._host, prepared, directory, place.stop)
        except OSError as error:
            answer = NotWarm(f"its directory cannot be made: {error.strerror}", lasting=False)
        finally:
            with self._lock:
                self._settle(key, place, answer)
        if not place.used and place.process is not None:  # no job has made one for itself
            self._directories.make_spare(prepared.integration)

    def _settle(self, key: Key, place: Place, answer: WarmProcess | NotWarm) -> None:
        if isinstance(answer, WarmProcess) and answer.memory_bytes > self._limits.memory_bytes:
            answer.end()
            answer = NotWarm(too_large(answer.memory_bytes, self._limits.memory_bytes))
        if isinstance(answer, NotWarm):
            place.obstacle = answer
            place.retry_at = float("inf") if answer.lasting else time.monotonic() + RETRY_SECONDS
            log.info("integration not warm", integration=key.integration, reason=answer.reason)
        else:
            place.process = answer
            self._keep_to_memory(key, place)
        place.settled.set()
        self._end_if_done(place)

    def _keep_to_memory(self, key: Key, newest: Place) -> None:
        newest.jobs += 1  # not the one that has just come
        while sum(place.memory_bytes for place in self._all()) > self._limits.memory_bytes:
            if not newest.used or not self._give_up_oldest():
                self._give_up(key, newest)  # the others are needed: it ends after its first jobs
                break
        newest.jobs -= 1

    def _lose(self, key: Key, place: Place) -> None:
        log.info("warm process lost", integration=key.integration)
        self._drop(key, place)

    def _drop(self, key: Key, place: Place) -> None:
        with self._lock:
            if self._places.get(key) is place:
                self._give_up(key, place)

    def _give_up(self, key: Key, place: Place) -> None:
        if self._places.get(key) is place:
            del self._places[key]
        place.is_given_up = True
        place.stop.request("interrupted")
        self._leaving.add(place)
        self._end_if_done(place)

    def _end_if_done(self, place: Place) -> None:
        if place.is_given_up and not place.jobs and place.settled.is_set():
            self._leaving.discard(place)
            if place.process is not None:
                place.process.end()

    def _all(self) -> list[Place]:
        return [*self._places.values(), *self._leaving]
