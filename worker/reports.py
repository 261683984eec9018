"""Batches of events as the API takes them: one report a lease, its events in order."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.lease import Lease
from worker.outbox import StoredEvent


@dataclass(frozen=True)
class Report:
    """Consecutive events of one lease."""

    lease: Lease
    events: tuple[StoredEvent, ...]

    @property
    def last_seq(self) -> int:
        """The number of its last event."""
        return self.events[-1].seq

    def halves(self) -> tuple["Report", ...]:
        """Return it in two parts, to find an event that cannot be taken."""
        middle = len(self.events) // 2
        return (
            Report(self.lease, self.events[:middle]),
            Report(self.lease, self.events[middle:]),
        )


def reports_of(events: Iterable[StoredEvent]) -> tuple[Report, ...]:
    """Gather events into one report a lease, in the order in which the leases first appear."""
    gathered: dict[Lease, list[StoredEvent]] = {}
    for event in events:
        gathered.setdefault(event.lease, []).append(event)
    return tuple(Report(lease, tuple(found)) for lease, found in gathered.items())


def encode(reports: Sequence[Report]) -> bytes:
    """Return the body of a request; the events' texts are joined, not parsed again."""
    return f'{{"reports":[{",".join(_encoded(report) for report in reports)}]}}'.encode()


def _encoded(report: Report) -> str:
    lease = report.lease
    identity = json.dumps({"job_id": lease.job_id, "attempt": lease.attempt, "token": lease.token})
    events = ",".join(event.payload for event in report.events)
    return f'{identity[:-1]},"events":[{events}]}}'
