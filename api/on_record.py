"""Reads what the database knows of the jobs that workers report about, and locks them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from api.acceptance import Catalogued, OnRecord
from api.events import last_seqs
from api.jobs import job_from_row
from api.tables import integrations, jobs
from api.task_results import task_statuses

_REPORTED = (
    select(
        jobs,
        integrations.c.commit.label("catalogued_commit"),
        integrations.c.tasks.label("catalogued_tasks"),
    )
    .outerjoin_from(jobs, integrations, integrations.c.name == jobs.c.integration)
    .where(jobs.c.id.in_(bindparam("job_ids", expanding=True)))
    .order_by(jobs.c.id)
    .with_for_update(of=jobs)
)
_UNKNOWN = OnRecord(None)


def read_on_record(connection: Connection, job_ids: Collection[str]) -> Mapping[str, OnRecord]:
    """Read what is known of each job; nobody else may change it before this transaction ends."""
    rows = connection.execute(_REPORTED, {"job_ids": list(job_ids)}).all()
    last = last_seqs(connection, job_ids)  # by itself: it shall see what the locks waited for
    # An attempt without events has no results either: those of the one before were discarded.
    results = task_statuses(connection, [job_id for job_id, seq in last.items() if seq])
    known = {row.id: _on_record(row, last[row.id], results.get(row.id, {})) for row in rows}
    return {job_id: known.get(job_id, _UNKNOWN) for job_id in job_ids}


def _on_record(row: Row[Any], last_seq: int, results: Mapping[str, str]) -> OnRecord:
    names = frozenset(task["name"] for task in _tasks(row))
    catalogued = Catalogued(row.catalogued_commit, names)
    return OnRecord(job_from_row(row), last_seq, results, catalogued)


def _tasks(row: Row[Any]) -> Sequence[Mapping[str, Any]]:
    tasks: Sequence[Mapping[str, Any]] | None = row.catalogued_tasks
    return tasks or ()
