"""The leases that this worker holds now, and until when its own clock lets it rely on them."""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from worker.lease import Lease
from worker.stop_signal import StopSignal

RENEW_SHARE = 1 / 3  # of a lease's length
RENEW_SECONDS = 2.0  # also how long a cancellation takes to arrive at the latest
FENCE_SHARE = 0.2  # of a lease's length: what is left for stopping its processes
FENCE_SECONDS = 2.0


def steady_seconds() -> float:
    """Read a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class _Held:
    lease: Lease
    lease_seconds: float
    asked_at: float  # the API counts from later, so this errs on the safe side
    stop: StopSignal
    lost: bool = field(default=False)

    @property
    def between(self) -> float:
        return min(self.lease_seconds * RENEW_SHARE, RENEW_SECONDS)

    @property
    def fence(self) -> float:
        spare = min(FENCE_SHARE * self.lease_seconds, FENCE_SECONDS)
        return self.asked_at + self.lease_seconds - spare


class HeldLeases:
    """Thread-safe; a lost lease stays listed until its job has ended, but is not renewed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[str, int], _Held] = {}
        self._between = RENEW_SECONDS  # for what has ended and is not on record yet

    @contextmanager
    def hold(
        self, lease: Lease, lease_seconds: float, asked_at: float, stop: StopSignal
    ) -> Iterator[None]:
        """List a lease for as long as its job runs; `asked_at` is when it was asked for."""
        key = (lease.job_id, lease.attempt)
        with self._lock:
            self._held[key] = held = _Held(lease, lease_seconds, asked_at, stop)
            self._between = held.between
        try:
            yield
        finally:
            with self._lock:
                del self._held[key]

    def good(self) -> tuple[Lease, ...]:
        """Return the leases that are not lost."""
        with self._lock:
            return tuple(held.lease for held in self._good())

    def is_lost(self, lease: Lease) -> bool:
        """Whether a lease that is held was lost."""
        with self._lock:
            return self._held[lease.job_id, lease.attempt].lost

    def extend(self, leases: Collection[Lease], asked_at: float) -> None:
        """Count these leases' time from `asked_at`."""
        with self._lock:
            for held in self._good():
                if held.lease in leases:
                    held.asked_at = max(held.asked_at, asked_at)

    def lose(self, lease: Lease) -> None:
        """Stop a job that may run elsewhere now; nothing more of it is reported."""
        with self._lock:
            held = self._held.get((lease.job_id, lease.attempt))
            if held is not None:
                _lose(held)

    def cancel(self, job_ids: Collection[str]) -> None:
        """Stop jobs because somebody asked for it; they report their end."""
        with self._lock:
            for held in self._good():
                if held.lease.job_id in job_ids:
                    held.stop.request("cancelled")

    def interrupt(self) -> None:
        """Stop every job because the worker ends."""
        with self._lock:
            for held in self._held.values():
                held.stop.request("interrupted")

    def fence(self, now: float) -> tuple[Lease, ...]:
        """Stop the jobs whose lease was not renewed in time; return their leases."""
        with self._lock:
            late = [held for held in self._good() if held.fence <= now]
            for held in late:
                _lose(held)
            return tuple(held.lease for held in late)

    def seconds_between(self) -> float:
        """Return how often the leases should be renewed."""
        with self._lock:
            return min((held.between for held in self._good()), default=self._between)

    def renewal_due(self, now: float) -> bool:
        """Whether a lease was last renewed too long ago."""
        with self._lock:
            return any(held.asked_at + held.between <= now for held in self._good())

    def _good(self) -> list[_Held]:
        return [held for held in self._held.values() if not held.lost]


def _lose(held: _Held) -> None:
    held.lost = True
    held.stop.request("interrupted")
