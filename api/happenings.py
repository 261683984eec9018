"""What Trueline tells others about: the kinds of events, and what each says; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import Row

from api.jobs import Job
from api.json_format import iso
from utils.tasks import Severity

_TIMES = ("created", "started", "finished")
LONGEST_TEXT = 2_000  # of a message or a reason; the API has all of it


class EventType(StrEnum):
    """What may have happened."""

    JOB_FINISHED = "dev.trueline.job.finished"  # whatever ended it
    VIOLATION_OPENED = "dev.trueline.violation.opened"  # found for the first time
    VIOLATION_REOPENED = "dev.trueline.violation.reopened"  # found again, or its mute is over
    VIOLATION_RESOLVED = "dev.trueline.violation.resolved"  # a pass, or its deployment is gone
    SOURCE_DEGRADED = "dev.trueline.source.degraded"  # the last good commit serves
    SOURCE_RECOVERED = "dev.trueline.source.recovered"  # it can be read again


class Notice(StrEnum):
    """What is sent besides: nobody asks for it by its type."""

    TEST = "dev.trueline.test"  # somebody wants to see whether it arrives
    DIGEST = "dev.trueline.digest"  # several violations of one job, for people


AnyType = EventType | Notice
VIOLATION_TYPES = frozenset(
    {EventType.VIOLATION_OPENED, EventType.VIOLATION_REOPENED, EventType.VIOLATION_RESOLVED}
)


@dataclass(frozen=True)
class Concern:
    """Whom an event concerns; what it has none of is None."""

    integration: str | None = None
    deployment_id: str | None = None
    severity: Severity | None = None
    job_status: str | None = None


@dataclass(frozen=True)
class Happening:
    """One event; `subject` is the path of what it is about."""

    id: str
    type: AnyType
    subject: str
    at: datetime
    data: Mapping[str, Any]
    concern: Concern = Concern()

    def as_json(self) -> dict[str, Any]:
        """Return what is stored until it is sent."""
        return {"subject": self.subject, "time": iso(self.at), "data": dict(self.data)}


def happening(
    type_: AnyType,
    subject: str,
    at: datetime,
    data: Mapping[str, Any],
    concern: Concern = Concern(),
) -> Happening:
    """Make an event with an id of its own."""
    return Happening(str(uuid4()), type_, subject, at, data, concern)


def job_finished(job: Job, at: datetime) -> Happening:
    """Tell of a job's end; `job` is as it is after it."""
    names = ("id", "kind", "status", "deployment_id", "deployment_name", "integration", "commit")
    data = {name: getattr(job, name) for name in (*names, "attempt", "trigger", "summary")}
    data["error"] = _error(job.error)
    data |= {f"{name}_at": _time(getattr(job, f"{name}_at")) for name in _TIMES}
    concern = Concern(job.integration, job.deployment_id, job_status=str(job.status))
    return happening(EventType.JOB_FINISHED, f"jobs/{job.id}", at, data, concern)


def violation_changed(type_: EventType, row: Row[Any], at: datetime) -> Happening:
    """Tell of a violation, given by its row after the change."""
    names = ("id", "integration", "deployment_id", "deployment_name", "task", "title")
    data = {name: getattr(row, name) for name in (*names, "severity", "status", "occurrences")}
    data |= {"resource_id": row.resource_id, "job_id": row.job_id}
    data |= {"message": _bounded(row.message), "first_seen": _time(row.first_seen)}
    concern = Concern(row.integration, row.deployment_id, Severity(row.severity))
    return happening(type_, f"violations/{row.id}", at, data, concern)


def source_changed(
    url: str, ref: str, commit: str | None, problem: Mapping[str, str] | None, at: datetime
) -> Happening:
    """Tell that a source cannot be read any more, or can again; `url` holds no credentials."""
    type_ = EventType.SOURCE_DEGRADED if problem else EventType.SOURCE_RECOVERED
    data = {"url": url, "ref": ref, "commit": commit, "problem": _error(problem)}
    return happening(type_, "source", at, data)


def _error(error: Mapping[str, Any] | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {name: _bounded(str(error.get(name) or "")) or "" for name in ("reason", "advice")}


def _bounded(text: str | None) -> str | None:
    if text is None or len(text) <= LONGEST_TEXT:
        return text
    return text[: LONGEST_TEXT - 1] + "…"


def _time(time: datetime | None) -> str | None:
    return None if time is None else iso(time)
