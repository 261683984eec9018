"""Folds a job's verdicts into violations, once, in the transaction that ends the job."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update

from api.jobs import Job
from api.recording import insert_rows
from api.tables import deployments, task_results, verdicts, violations
from api.verdicts import (
    WHOLE_INSIGHT,
    Finding,
    Fold,
    Observation,
    Seen,
    Standing,
    ViolationStatus,
    fingerprint,
    fold,
)
from api.violation_events import ViolationChanges
from utils.results import Verdict
from utils.tasks import Severity

DATA_LIMIT_BYTES = 64 * 1024  # of one violation; the task's result has all of it
DEFAULT_SEVERITY = Severity.MEDIUM

_OF_TASKS: BindParameter[Any] = bindparam("tasks", expanding=True)
_DEPLOYMENT = (
    select(deployments.c.id).where(deployments.c.id == bindparam("deployment_id")).with_for_update()
)
_DECIDED = select(task_results.c.result).where(
    task_results.c.job_id == bindparam("job_id"),
    task_results.c.verdict.in_([Verdict.PASS, Verdict.FAIL]),
)
_LATEST = select(verdicts.c.task, verdicts.c.observed_at).where(
    verdicts.c.deployment_id == bindparam("deployment_id")
)
_STANDING = select(
    violations.c.task,
    violations.c.id,
    violations.c.resource_id,
    violations.c.status,
    violations.c.muted_until,
).where(violations.c.deployment_id == bindparam("deployment_id"), violations.c.task.in_(_OF_TASKS))
_REMEMBER = insert(verdicts).values(
    deployment_id=bindparam("of_deployment"), task=bindparam("of_task")
)
_REMEMBER_AGAIN = update(verdicts).where(
    verdicts.c.deployment_id == bindparam("of_deployment"),
    verdicts.c.task == bindparam("of_task"),
)

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Folded:
    """What a job changed: numbers for its summary, and what others may be told."""

    counts: Mapping[str, int]
    changes: ViolationChanges


def fold_verdicts(connection: Connection, job: Job, now: datetime) -> Folded:
    """Apply the job's passes and fails to its deployment's violations; count what changed.

    A job that started before the last one that was folded does not overrule it, and a deployment
    that was deleted meanwhile gets no violations.
    """
    changes = _Changes(job, now)
    if _lock_deployment(connection, job.deployment_id):
        last = _last_observed(connection, job.deployment_id)
        overruled = {task for task, at in last.items() if at > _observed_at(job)}
        decided = _decided(connection, job.id)
        results = {task: decided[task] for task in decided if task not in overruled}
        standing = _standing(connection, job.deployment_id, results)
        for task, result in results.items():
            changes.add(result, fold(standing[task], _observation(result), now))
        changes.write(connection)
        _remember(connection, job, results, last)
    return Folded(changes.counts(), changes.told())


@dataclass
class _Changes:
    """The rows to write, gathered over all tasks of one job."""

    job: Job
    now: datetime
    opened: list[dict[str, Any]] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    reopened: list[dict[str, Any]] = field(default_factory=list)
    resolved: list[dict[str, Any]] = field(default_factory=list)
    quiet: set[str] = field(default_factory=set)  # muted ones that were resolved

    def add(self, result: Result, change: Fold) -> None:
        title = result["title"]
        self.opened += [self._opened_row(result["name"], title, it) for it in change.opened]
        self.seen += [self._seen_row(title, seen) for seen in change.seen]
        self.reopened += [{"known": seen.standing.id} for seen in change.seen if _reopened(seen)]
        self.resolved += [{"known": standing.id} for standing in change.resolved]
        self.quiet |= {it.id for it in change.resolved if it.muted_at(self.now)}

    def write(self, connection: Connection) -> None:
        if not (self.opened or self.seen or self.reopened or self.resolved):
            return
        this = violations.c.id == bindparam("known")
        again = {"status": ViolationStatus.OPEN, "note": None, "muted_until": None}
        resolved = {"status": ViolationStatus.RESOLVED, "resolved_at": self.now}
        insert_rows(connection, violations, self.opened)
        for statement, rows in (
            (
                update(violations).where(this).values(occurrences=violations.c.occurrences + 1),
                self.seen,
            ),
            (update(violations).where(this).values(again | {"resolved_at": None}), self.reopened),
            (update(violations).where(this).values(resolved), self.resolved),
        ):
            if rows:
                connection.execute(statement, rows)

    def counts(self) -> dict[str, int]:
        reopened = len(self.reopened)
        return {
            "opened": len(self.opened) + reopened,
            "seen": len(self.seen) - reopened,
            "resolved": len(self.resolved),
        }

    def told(self) -> ViolationChanges:
        resolved = (row["known"] for row in self.resolved)
        return ViolationChanges(
            opened=tuple(row["id"] for row in self.opened),
            reopened=tuple(row["known"] for row in self.reopened),
            resolved=tuple(id_ for id_ in resolved if id_ not in self.quiet),
        )

    def _opened_row(self, task: str, title: str, finding: Finding) -> dict[str, Any]:
        job = self.job
        return self._found_again(title, finding) | {
            "id": str(uuid4()),
            "fingerprint": fingerprint(
                job.integration, job.deployment_id, task, finding.resource_id
            ),
            "integration": job.integration,
            "deployment_id": job.deployment_id,
            "task": task,
            "resource_id": finding.resource_id,
            "status": ViolationStatus.OPEN,
            "first_seen": self.now,
            "occurrences": 1,
        }

    def _seen_row(self, title: str, seen: Seen) -> dict[str, Any]:
        return self._found_again(title, seen.finding) | {"known": seen.standing.id}

    def _found_again(self, title: str, finding: Finding) -> dict[str, Any]:
        return {
            "deployment_name": self.job.deployment_name,
            "title": title,
            "severity": finding.severity,
            "severity_rank": finding.severity.rank,
            "message": finding.message,
            "data": _bounded(finding.data),
            "last_seen": self.now,
            "job_id": self.job.id,
        }


def _reopened(seen: Seen) -> bool:
    return seen.status is ViolationStatus.OPEN and seen.standing.status is not seen.status


def _bounded(data: Any) -> Any:
    size_bytes = len(json.dumps(data, ensure_ascii=False).encode())
    if size_bytes <= DATA_LIMIT_BYTES:
        return data
    return _omitted(size_bytes)


def _omitted(size_bytes: int) -> dict[str, Any]:
    return {"omitted": "the task's result has it", "size_bytes": size_bytes}


def _observation(result: Result) -> Observation:
    severity = Severity(result["severity"] or DEFAULT_SEVERITY)
    large = result.get("large_data")
    data = _omitted(large["size_bytes"]) if large else result["data"]
    whole = Finding(WHOLE_INSIGHT, severity, result["message"], data)
    return Observation(
        verdict=Verdict(result["verdict"]),
        partial=bool(result["partial"]),
        findings=tuple(
            Finding(
                resource["id"],
                Severity(resource["severity"] or severity),
                resource["message"] or whole.message,
                resource["data"],
            )
            for resource in result["resources"] or ()
        )
        or (whole,),
    )


def _lock_deployment(connection: Connection, deployment_id: str) -> bool:
    """Let jobs of one deployment fold one after another; False when it is gone."""
    return connection.execute(_DEPLOYMENT, {"deployment_id": deployment_id}).first() is not None


def _decided(connection: Connection, job_id: str) -> dict[str, Result]:
    """Read the results that decide something; a partial pass decides nothing."""
    results = connection.execute(_DECIDED, {"job_id": job_id}).scalars()
    return {
        result["name"]: result
        for result in results
        if result["verdict"] == Verdict.FAIL or not result["partial"]
    }


def _last_observed(connection: Connection, deployment_id: str) -> dict[str, datetime]:
    """Read when each insight's latest verdict was observed."""
    rows = connection.execute(_LATEST, {"deployment_id": deployment_id})
    return {task: observed_at for task, observed_at in rows}  # noqa: C416 - dict() of rows has no type


def _standing(
    connection: Connection, deployment_id: str, tasks: Iterable[str]
) -> defaultdict[str, list[Standing]]:
    standing: defaultdict[str, list[Standing]] = defaultdict(list)
    values = {"deployment_id": deployment_id, "tasks": list(tasks)}
    for task, id_, resource_id, status, muted_until in connection.execute(_STANDING, values):
        known = Standing(id_, resource_id, ViolationStatus(status), muted_until)
        standing[task].append(known)
    return standing


def _remember(
    connection: Connection, job: Job, results: Mapping[str, Result], known: Collection[str]
) -> None:
    rows = [
        {
            "of_deployment": job.deployment_id,
            "of_task": task,
            "verdict": result["verdict"],
            "job_id": job.id,
            "observed_at": _observed_at(job),
        }
        for task, result in results.items()
    ]
    for statement, chosen in (
        (_REMEMBER_AGAIN, [row for row in rows if row["of_task"] in known]),
        (_REMEMBER, [row for row in rows if row["of_task"] not in known]),
    ):
        if chosen:
            connection.execute(statement, chosen)


def _observed_at(job: Job) -> datetime:
    return job.started_at or job.created_at
