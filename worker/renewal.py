"""Keeps the leases of running jobs, and stops jobs whose lease can no longer be relied on."""

import math
import threading
from collections.abc import Callable, Collection

import structlog

from worker.api_client import ApiClient
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.errors import WorkerError
from worker.held_leases import HeldLeases, steady_seconds
from worker.lease import Lease

LOOK_SECONDS = 0.1

log = structlog.get_logger()


class Renewal:
    """Two threads: one asks the API, the other watches the clock while that one waits.

    Besides the leases of running jobs it keeps those that `finished`: until their reports are
    delivered, nobody else shall begin them again.
    An API at which nobody listens can't have given a lease away, nor one whose database is away:
    once that is over, it gives every lease one more period. So the time of a lease counts from
    the last such look, too.
    """

    def __init__(
        self,
        client: ApiClient,
        held: HeldLeases,
        finished: Callable[[], Collection[Lease]] = frozenset,
    ) -> None:
        self._client = client
        self._held = held
        self._finished = finished
        self._away = False
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._renew_often, name="renewal", daemon=True),
            threading.Thread(target=self._watch_fence, name="fence", daemon=True),
        ]

    def start(self) -> None:
        """Begin to renew."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; no lease may be held any more."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _renew_often(self) -> None:
        tried_at = -math.inf
        while not self._stop.wait(LOOK_SECONDS):
            now = steady_seconds()
            if now < tried_at + self._held.seconds_between():
                continue
            finished = self._finished()
            if finished or self._held.renewal_due(now):
                tried_at = now
                self._renew((*self._held.good(), *finished))

    def _renew(self, leases: tuple[Lease, ...]) -> None:
        asked_at = steady_seconds()
        try:
            answer = self._client.renew(leases, timeout_seconds=2 * self._held.seconds_between())
        except ApiUnavailable as error:
            if error.leases_last:
                self._held.extend(leases, asked_at)
            self._say_away(error)
            return
        except ApiRefused as error:
            self._say_away(error)
            return
        self._away = False
        self._held.extend(_named(leases, answer.renewed), asked_at)
        self._held.cancel(answer.cancelled)
        for lease in _named(self._held.good(), answer.lost):
            self._held.lose(lease)
            reason = "the API has given the job to another worker, or ended it"
            _say_lost(lease, reason, "nothing to do: this worker stops its attempt")

    def _watch_fence(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            for lease in self._held.fence(steady_seconds()):
                advice = "check the connection to the API; the job runs again elsewhere"
                _say_lost(lease, "it could not be renewed in time", advice)

    def _say_away(self, error: WorkerError) -> None:
        if not self._away:
            log.warning("leases cannot be renewed", reason=error.reason, advice=error.advice)
        self._away = True


def _say_lost(lease: Lease, reason: str, advice: str) -> None:
    log.warning(
        "lease lost", job_id=lease.job_id, attempt=lease.attempt, reason=reason, advice=advice
    )


def _named(leases: tuple[Lease, ...], job_ids: tuple[str, ...]) -> tuple[Lease, ...]:
    return tuple(lease for lease in leases if lease.job_id in job_ids)
