"""What is removed when it is old: one line for each kind of data, a few rows at a time.

Each kind has a setting `keep_<name>_days`. What a job under way, a violation that is not resolved
or the latest result of a deployment's task needs is never removed.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    delete,
    exists,
    literal,
    select,
    true,
    tuple_,
)

from api.audit_table import audit
from api.jobs import ENDED
from api.tables import deployments, events, jobs, large_data, task_results, violations

ROWS = 1000  # removed in one transaction at most, and so
CHUNKS = 16  # of large data, each of up to 1 MiB
JOBS = 50
_LAST_EVENT = "job_finished"  # it stays with its job: it says up to where reports have come


@dataclass(frozen=True)
class Step:
    """How far the walk over one kind of data has come, and what the last step removed."""

    mark: str | None = None
    removed: int = 0
    is_last: bool = False


Walk = Callable[[Connection, datetime, Step], Step]


@dataclass(frozen=True)
class Kind:
    """One kind of data: its name, and what removes the next few rows that are too old."""

    name: str
    remove: Walk
    is_walked_once: bool = False  # the next walk goes on where this one has ended


def by_age(
    name: str, table: Table, age: ColumnElement[Any], condition: ColumnElement[bool] | None = None
) -> Kind:
    """Return the kind of all rows of a table whose time `age`, which has an index, is past."""
    old = true() if condition is None else condition

    def remove(connection: Connection, cutoff: datetime, step: Step) -> Step:
        removed = _remove_some(connection, table, (age < cutoff) & old, ROWS)
        return Step(step.mark, removed, removed < ROWS)

    return Kind(name, remove)


def _remove_jobs(connection: Connection, cutoff: datetime, step: Step) -> Step:
    found = _ended_jobs(connection, cutoff, step)
    unneeded = _unneeded(connection, [row.id for row in found])
    if parts := _remove_parts(connection, unneeded):
        return Step(step.mark, parts)  # the jobs themselves go when they have few rows left
    if unneeded:
        connection.execute(delete(jobs).where(jobs.c.id.in_(unneeded)))
    return Step(_mark(found, step), len(unneeded), len(found) < JOBS)


def _remove_events(connection: Connection, cutoff: datetime, step: Step) -> Step:
    found = _ended_jobs(connection, cutoff, step)
    old = events.c.job_id.in_([row.id for row in found]) & (events.c.type != _LAST_EVENT)
    removed = _remove_some(connection, events, old, ROWS) if found else 0
    if removed == ROWS:
        return Step(step.mark, removed)
    return Step(_mark(found, step), removed, len(found) < JOBS)


def _remove_data(connection: Connection, cutoff: datetime, step: Step) -> Step:
    after = large_data.c.job_id > (step.mark or "")
    walked = select(large_data.c.job_id).where(after).distinct().order_by(large_data.c.job_id)
    ids = list(connection.execute(walked.limit(JOBS)).scalars())
    old = select(jobs.c.id).where(jobs.c.id.in_(ids), jobs.c.finished_at < cutoff)
    unneeded = _unneeded(connection, list(connection.execute(old).scalars())) if ids else []
    removed = _remove_some(connection, large_data, large_data.c.job_id.in_(unneeded), CHUNKS)
    if removed == CHUNKS:
        return Step(step.mark, removed)
    return Step(ids[-1] if ids else step.mark, removed, len(ids) < JOBS)


KINDS: tuple[Kind, ...] = (
    Kind("events", _remove_events, is_walked_once=True),
    Kind("data", _remove_data),
    Kind("jobs", _remove_jobs),
    by_age("violations", violations, violations.c.resolved_at, violations.c.status == "resolved"),
    by_age("audit", audit, audit.c.at, audit.c.changed.in_((True, False))),  # as its index has it
)


def _ended_jobs(connection: Connection, cutoff: datetime, step: Step) -> list[Row[Any]]:
    """Read the next jobs that ended before `cutoff`, the oldest first."""
    place = (jobs.c.finished_at, jobs.c.id)
    statement = select(jobs.c.id, jobs.c.finished_at).where(jobs.c.finished_at < cutoff)
    if step.mark is not None:
        time, _, job_id = step.mark.partition(" ")
        at = datetime.fromisoformat(time).astimezone(UTC)
        last = tuple_(literal(at, jobs.c.finished_at.type), literal(job_id))
        statement = statement.where(tuple_(*place) > last)
    return list(connection.execute(statement.order_by(*place).limit(JOBS)))


def _mark(found: Iterable[Row[Any]], step: Step) -> str | None:
    last = max(((row.finished_at, row.id) for row in found), default=None)
    return step.mark if last is None else f"{last[0].isoformat()} {last[1]}"


def _unneeded(connection: Connection, ids: Collection[str]) -> list[str]:
    """Leave out the jobs that a violation or a deployment still refers to."""
    if not ids:
        return []
    of_violations = select(violations.c.job_id).where(
        violations.c.job_id.in_(ids), violations.c.status != "resolved"
    )
    needed = set(connection.execute(of_violations).scalars())
    needed.update(connection.execute(_latest_results(ids)).scalars())
    return [job_id for job_id in ids if job_id not in needed]


def _latest_results(ids: Collection[str]) -> Any:
    """Select those of the jobs that have the latest result of some task of their deployment."""
    later, result = jobs.alias("later"), task_results.alias("result")
    is_later = exists().where(
        later.c.deployment_id == jobs.c.deployment_id,
        later.c.status.in_([str(status) for status in sorted(ENDED)]),
        later.c.created_at > jobs.c.created_at,
        result.c.job_id == later.c.id,
        result.c.name == task_results.c.name,
    )
    return (
        select(jobs.c.id)
        .join(task_results, task_results.c.job_id == jobs.c.id)
        .join(deployments, deployments.c.id == jobs.c.deployment_id)
        .where(jobs.c.id.in_(ids), ~is_later)
    )


def _remove_parts(connection: Connection, job_ids: Collection[str]) -> int:
    """Remove events and large data of jobs, as many as one transaction may."""
    for table, most in ((events, ROWS), (large_data, CHUNKS)):
        removed = _remove_some(connection, table, table.c.job_id.in_(job_ids), most)
        if removed == most:
            return removed
    return 0


def _remove_some(
    connection: Connection, table: Table, condition: ColumnElement[bool], most: int
) -> int:
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(condition).limit(most)
    return connection.execute(delete(table).where(key.in_(some))).rowcount
