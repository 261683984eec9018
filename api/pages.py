"""What the web pages show, read in one transaction each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from api.jobs import Job, WantedJobs, job_from_row, listed_jobs, read_job
from api.listing import read_list
from api.models import PageQuery
from api.paging import Order, Page, read_page
from api.running_tasks import RunningTask, read_running_tasks
from api.tables import deployments, integrations, sources, violations
from api.task_results import read_results
from api.verdicts import ViolationStatus
from api.workers import Worker, read_workers
from utils.tasks import Severity

MOST_ROWS = 100
UNRESOLVED = (ViolationStatus.OPEN, ViolationStatus.ACKNOWLEDGED)


@dataclass(frozen=True)
class Overview:
    """The first page."""

    sources: Sequence[Row[Any]]
    integrations: Sequence[Row[Any]]
    deployments: Sequence[Row[Any]]
    jobs: Sequence[Job]
    violations: Sequence[Row[Any]]
    workers: Sequence[Worker]
    counts: Mapping[str, int]  # unresolved violations by severity, the worst first


@dataclass(frozen=True)
class JobPage:
    """One job and what its tasks found."""

    job: Job
    results: Sequence[Mapping[str, Any]]
    running: Sequence[RunningTask]
    hosts: Sequence[str] | None  # that its integration declares now

    @property
    def is_moving(self) -> bool:
        """Whether the page will show something else in a moment."""
        return not self.job.ended


def read_overview(connection: Connection, now: datetime, lease: timedelta) -> Overview:
    """Read what the first page shows; long lists are cut."""
    recent = read_list(connection, listed_jobs(WantedJobs()), PageQuery(limit=20))
    return Overview(
        sources=connection.execute(select(sources)).all(),
        integrations=connection.execute(
            select(integrations).order_by(integrations.c.name).limit(MOST_ROWS)
        ).all(),
        deployments=connection.execute(
            select(deployments).order_by(deployments.c.name).limit(MOST_ROWS)
        ).all(),
        jobs=[job_from_row(row) for row in recent.rows],
        violations=read_violations(connection, ViolationStatus.OPEN, PageQuery(limit=20)).rows,
        workers=read_workers(connection, now, lease),
        counts=_counts(connection),
    )


def read_violations(connection: Connection, status: ViolationStatus, query: PageQuery) -> Page:
    """Read violations of one status, the worst first."""
    order = Order((violations.c.severity_rank, violations.c.last_seen, violations.c.id))
    statement = select(violations).where(violations.c.status == status)
    return read_page(connection, statement, order, query)


def read_job_page(connection: Connection, job_id: str) -> JobPage:
    """Read a job with its task results; raises NotFound."""
    job = read_job(connection, job_id)
    hosts = select(integrations.c.hosts).where(integrations.c.name == job.integration)
    return JobPage(
        job=job,
        results=read_results(connection, job.id),
        running=read_running_tasks(connection, job),
        hosts=connection.execute(hosts).scalar(),
    )


def _counts(connection: Connection) -> dict[str, int]:
    statement = (
        select(violations.c.severity_rank, func.count().label("unresolved"))
        .where(violations.c.status.in_(UNRESOLVED))
        .group_by(violations.c.severity_rank)
    )
    found = {row.severity_rank: row.unresolved for row in connection.execute(statement)}
    return {level.value: found.get(level.rank, 0) for level in reversed(Severity)}
