"""Decides which events of a report are taken in; pure, the database is read before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from api.jobs import Job
from api.leases import Held, owns
from api.reports import CheckedEvents, Event, JobFinished, Started, TaskFinished
from api.task_results import MOST_TASKS
from utils.results import TaskStatus


class OutcomeStatus(StrEnum):
    """What became of one report."""

    RECORDED = "recorded"
    REFUSED = "refused"


@dataclass(frozen=True)
class Report:
    """Events of one attempt as they came in."""

    lease: Held
    events: Sequence[Any]


@dataclass(frozen=True)
class Outcome:
    """What became of one report; `last_seq` is the last event on record of an attempt one owns."""

    job_id: str
    attempt: int
    status: OutcomeStatus
    last_seq: int | None
    reason: str | None = None


@dataclass(frozen=True)
class Catalogued:
    """The tasks that an integration has at a commit, as far as the catalogue knows."""

    commit: str | None = None
    tasks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OnRecord:
    """What the database knows of a reported job: its last event, its tasks' statuses."""

    job: Job | None
    last_seq: int = 0
    results: Mapping[str, str] = field(default_factory=dict)
    catalogued: Catalogued = Catalogued()


@dataclass(frozen=True)
class Acceptance:
    """What is to be recorded of one report; a `fault` ends the job after that."""

    outcome: Outcome
    events: tuple[Event, ...] = ()
    fault: str | None = None


def accept(lease: Held, checked: CheckedEvents, known: OnRecord) -> Acceptance:
    """Decide about one report; events on record already are passed over."""
    job = known.job
    if job is None or not owns(job, lease):
        return _refused(lease, "the job is no longer leased to this worker under this attempt")
    new = tuple(event for event in checked.events if event.seq > known.last_seq)
    if new and new[0].seq != known.last_seq + 1:
        reason = f"event {new[0].seq} came, {known.last_seq + 1} is next: send from there"
        return _refused(lease, reason, known.last_seq)
    if job.ended:
        if new or checked.fault:
            return _refused(lease, f"the job has ended: {job.status}")
        return _recorded(lease, known.last_seq)
    sound, fault = _sound_events(job, new, known)
    fault = fault or checked.fault
    if fault is not None:
        return Acceptance(_refused(lease, f"cannot be recorded: {fault}").outcome, sound, fault)
    return _recorded(lease, known.last_seq + len(sound), sound)


def _refused(lease: Held, reason: str, last_seq: int | None = None) -> Acceptance:
    status = OutcomeStatus.REFUSED
    return Acceptance(Outcome(lease.job_id, lease.attempt, status, last_seq, reason))


def _recorded(lease: Held, last_seq: int, events: tuple[Event, ...] = ()) -> Acceptance:
    status = OutcomeStatus.RECORDED
    return Acceptance(Outcome(lease.job_id, lease.attempt, status, last_seq), events)


def _sound_events(
    job: Job, events: Sequence[Event], known: OnRecord
) -> tuple[tuple[Event, ...], str | None]:
    """Return the events before the first one that does not fit its job, and why that does not."""
    results = dict(known.results)
    commit = job.commit
    for index, event in enumerate(events):
        fault = None
        match event:
            case Started():
                commit = event.commit
                fault = _fault_of_start(event, job)
            case TaskFinished():
                plan = known.catalogued.tasks if known.catalogued.commit == commit else None
                fault = _fault_of_result(event.result.name, results, plan)
                results[event.result.name] = event.result.status
            case JobFinished():
                fault = _fault_of_end(event, results)
        if fault is not None:
            return tuple(events[:index]), f"event {event.seq}: {fault}"
    return tuple(events), None


def _fault_of_start(event: Started, job: Job) -> str | None:
    if event.worker == job.worker:
        return None
    return f"worker {event.worker!r} reports about a job that was leased to {job.worker!r}"


def _fault_of_result(
    name: str, results: Mapping[str, str], plan: frozenset[str] | None
) -> str | None:
    if name in results:
        return f"task {name!r} has a result already"
    if plan and name not in plan:
        return f"task {name!r} is not one of the integration's tasks"
    if len(results) >= MOST_TASKS:
        return f"a job has at most {MOST_TASKS} tasks"
    return None


def _fault_of_end(event: JobFinished, results: Mapping[str, str]) -> str | None:
    unlike = [name for name, status in results.items() if status != TaskStatus.SUCCESS]
    if event.status == "success" and unlike:
        return f"status success, though task {unlike[0]!r} has status {results[unlike[0]]}"
    return None
