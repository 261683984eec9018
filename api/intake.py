"""Takes in workers' reports: fenced, in order, each event once, all in one transaction.

An outcome with a `last_seq` means: this attempt is yours, continue after that event. A refusal
without one means: drop the attempt, it is no longer yours or cannot be recorded.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, update

from api.acceptance import Acceptance, OnRecord, Outcome, Report, accept
from api.database import Database
from api.endings import Ending, end_job, end_job_here
from api.events import insert_events
from api.facts import TaskEnded, note
from api.jobs import Job, JobStatus
from api.large_data import Place, fault_of
from api.on_record import read_on_record
from api.recording import JsonText
from api.reports import (
    CheckedEvents,
    Event,
    JobFinished,
    NetworkUsed,
    Started,
    TaskFinished,
    check_events,
)
from api.retries import RETRIED, mark_deployment, put_off, retry_of
from api.tables import jobs
from api.task_results import insert_results, result_row, shown_in_event
from utils.failpoints import failpoint

_OF_EVERY_EVENT = {"seq", "at", "type"}  # columns of their own
_STARTED = (
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"))
    .values(
        commit=bindparam("to_commit"),
        isolation=bindparam("to_isolation"),
        started_at=bindparam("to_started_at"),
    )
)


@dataclass(frozen=True)
class Intake:
    """The answer to one request: outcomes in order, jobs to be ended, and what became of jobs."""

    outcomes: tuple[Outcome, ...]
    cancelled: tuple[str, ...]
    changed: tuple[str, ...]
    ended: tuple[str, ...]  # these are not among the changed


def record_reports(database: Database, reports: Sequence[Report], now: datetime) -> Intake:
    """Check, record and fold what workers report; answer only after the commit."""
    checked = [_checked(database, report) for report in reports]
    with database.write() as connection:
        known = read_on_record(connection, {report.lease.job_id for report in reports})
        taken = [
            (known[report.lease.job_id].job, accept(report.lease, it, known[report.lease.job_id]))
            for report, it in zip(reports, checked, strict=True)
        ]
        changed = [(job, acceptance) for job, acceptance in taken if job and _changes(acceptance)]
        changed.sort(key=lambda it: it[0].deployment_id)  # deployments are locked in this order
        _insert(connection, changed, known, now)
        cancelled = [job for job, acceptance in taken if job and _is_to_end(job, acceptance)]
        refused = [
            id_ for job, acceptance in changed for id_ in _move(connection, job, acceptance, now)
        ]
        failpoint("intake.before_commit")
    failpoint("intake.after_commit")
    return Intake(
        outcomes=tuple(acceptance.outcome for _, acceptance in taken),
        cancelled=tuple(job.id for job in cancelled),
        changed=tuple(job.id for job, acceptance in changed if not _ends(acceptance)),
        ended=(*(job.id for job, acceptance in changed if _ends(acceptance)), *refused),
    )


def _checked(database: Database, report: Report) -> CheckedEvents:
    checked = check_events(report.events)
    for index, event in enumerate(checked.events):
        if isinstance(event, TaskFinished) and (large := event.result.large_data):
            place = Place(report.lease.job_id, report.lease.attempt, large.sha256)
            if fault := fault_of(database, place, large):
                fault = f"event {event.seq}: task {event.result.name!r}: {fault}"
                return CheckedEvents(checked.events[:index], fault)
    return checked


def _changes(acceptance: Acceptance) -> bool:
    return bool(acceptance.events) or acceptance.fault is not None


def _ends(acceptance: Acceptance) -> bool:
    is_over = any(isinstance(event, JobFinished) for event in acceptance.events)
    return is_over or acceptance.fault is not None


def _is_to_end(job: Job, acceptance: Acceptance) -> bool:
    ends = any(isinstance(event, JobFinished) for event in acceptance.events)
    owned = acceptance.outcome.last_seq is not None
    return job.cancel_requested and owned and not ends and not job.ended


def _insert(
    connection: Connection,
    changed: Sequence[tuple[Job, Acceptance]],
    known: Mapping[str, OnRecord],
    now: datetime,
) -> None:
    events: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for job, acceptance in changed:
        position = len(known[job.id].results)
        for event in acceptance.events:
            events.append(_event_row(job, event, now))
            if isinstance(event, TaskFinished):
                results.append(result_row(job.id, job.attempt, position, event.result))
                note(connection, _task_ended(job, event))
                position += 1
    insert_events(connection, events)
    insert_results(connection, results)


def _task_ended(job: Job, event: TaskFinished) -> TaskEnded:
    result = event.result
    cause = result.cause.kind if result.cause else None
    return TaskEnded(job.integration, result.type, result.status, result.duration_seconds, cause)


def _event_row(job: Job, event: Event, now: datetime) -> dict[str, Any]:
    type_: str = event.type
    if isinstance(event, TaskFinished):
        payload = JsonText(f'{{"result":{shown_in_event(event.result)}}}')
    elif isinstance(event, JobFinished) and (retry := retry_of(job, event, now)):
        type_, told = RETRIED, _payload(event) | {"retry_at": retry.not_before.isoformat()}
        payload = JsonText(json.dumps(told))
    else:
        payload = JsonText(event.model_dump_json(exclude=_OF_EVERY_EVENT))
    return {
        "job_id": job.id,
        "attempt": job.attempt,
        "seq": event.seq,
        "type": type_,
        "at": event.at,
        "payload": payload,
    }


def _payload(event: Event) -> dict[str, Any]:
    return event.model_dump(mode="json", exclude={"seq", "at", "type"})


def _move(
    connection: Connection, job: Job, acceptance: Acceptance, now: datetime
) -> tuple[str, ...]:
    """Let a job go on as its events say; return the other jobs that end with it."""
    refused: tuple[str, ...] = ()
    for event in acceptance.events:
        if isinstance(event, Started):
            job = replace(
                job,
                commit=event.commit,
                isolation=event.isolation,
                started_at=_within(job, event.at, now),
            )
        elif isinstance(event, NetworkUsed):
            network = update(jobs).where(jobs.c.id == job.id).values(network=_payload(event))
            connection.execute(network)
        elif isinstance(event, JobFinished):
            if retry := retry_of(job, event, now):
                put_off(connection, job, retry)
                continue
            refused = mark_deployment(connection, job, event, now)
            error = event.error.model_dump(exclude_none=True) if event.error else None
            ending = Ending(JobStatus(event.status), error, _within(job, event.at, now), now)
            end_job(connection, job, ending, **_start(job))
    kinds = {type(event) for event in acceptance.events}
    if Started in kinds and JobFinished not in kinds:
        _note_start(connection, job)
    if acceptance.fault is not None:
        error = {
            "reason": f"worker {job.worker} reported what cannot be recorded: {acceptance.fault}",
            "advice": "see the worker's log; the events before this one are on record",
        }
        end_job_here(connection, job, Ending(JobStatus.FAILED, error, now))
    return refused


def _note_start(connection: Connection, job: Job) -> None:
    values = {f"to_{name}": value for name, value in _start(job).items()}
    connection.execute(_STARTED, {"job_id": job.id, **values})


def _start(job: Job) -> dict[str, Any]:
    """Return the columns that tell how a job began."""
    return {"commit": job.commit, "isolation": job.isolation, "started_at": job.started_at}


def _within(job: Job, at: datetime, now: datetime) -> datetime:
    """Trust the worker's clock only between the lease and now: clocks may be hours apart."""
    return max(job.started_at or job.created_at, min(at, now))
