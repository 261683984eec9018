"""Start, read, list and cancel jobs, and wait for their end."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Literal

from flask import current_app, request, url_for
from pydantic import Field

from api.after_answer import after_answer
from api.deployments import find_deployment
from api.endings import cancel_job
from api.jobs import (
    Job,
    JobStatus,
    Trigger,
    WantedJobs,
    job_from_row,
    listed_jobs,
    read_job,
    request_job,
)
from api.list_queries import ScopedQuery, is_descending
from api.listing import read_list
from api.models import Answer, Path, Query
from api.once import once
from api.openapi import blueprint, problem_responses
from api.problem_answers import current_correlation
from api.problems import BadRequest, Unprocessable
from api.routes.deployments import DeploymentPath
from api.scopes import find_scope
from api.state import State, current_state
from api.storable import StorableText
from api.tables import jobs as table
from api.task_results import read_results
from api.wakeups import WORK, Kind, Topic

routes = blueprint("jobs", __name__)
LONGEST_WAIT_SECONDS = 300
HIDDEN = frozenset({"lease_token", "lease_owner", "lease_expires_at", "losses", "traceparent"})
SHOWN = tuple(name.name for name in fields(Job) if name.name not in HIDDEN)


class JobPath(Path):
    """Which job."""

    job_id: StorableText = Field(max_length=64)


class JobQuery(Query):
    """Whether to wait for a job's end."""

    timeout: float | None = Field(
        None, ge=1, le=LONGEST_WAIT_SECONDS, description="seconds to wait for the end at most"
    )


class JobsQuery(ScopedQuery):
    """Which jobs a list asks for; `since` and `until` bound the time they were made."""

    sort: Literal["created_at", "-created_at"] = "-created_at"
    status: list[JobStatus] = Field([], max_length=10, description="one or several")


class JobAnswer(Answer):
    """A job: one run of a deployment."""

    id: str
    kind: str
    deployment_id: str
    deployment_name: str
    integration: str
    status: JobStatus
    commit: str | None
    attempt: int = Field(description="how many times it was given to a worker")
    retries: int = Field(description="how many times it was put off, as another system failed it")
    not_before: datetime | None = Field(description="when it was put off until")
    trigger: Trigger
    due_at: datetime | None = Field(description="the due time that it was made for")
    worker: str | None
    isolation: str | None = Field(description="how far it was kept apart from other jobs")
    cancel_requested: bool
    error: dict[str, Any] | None = Field(description="`reason` and `advice` when it went wrong")
    summary: dict[str, Any] | None = Field(
        description="at the end: tasks by status, insights by verdict, violations by change"
    )
    network: dict[str, Any] | None = Field(
        description="what it reached and what was refused; null where nobody records that"
    )
    request_id: str | None = Field(description="of the request that asked for it")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobList(Answer):
    """One page of jobs, newest first."""

    items: list[JobAnswer]
    next_cursor: str | None


class Accepted(Answer):
    """A job that waits for a worker."""

    job_id: str
    status: JobStatus
    status_url: str


class TaskResults(Answer):
    """A job's task results, in the order in which the tasks ended."""

    items: list[dict[str, Any]]
    next_cursor: None = None


@routes.post(
    "/deployments/<deployment>/jobs",
    operation_id="start_job",
    responses={202: Accepted, **problem_responses(404, 409)},
)
@once()
def start(path: DeploymentPath) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Ask for a job of a deployment, given by its id or name."""
    _check_nothing_is_asked()
    state = current_state()
    with state.database.write() as connection:
        deployment = find_deployment(connection, path.deployment)
        job = request_job(connection, deployment, state.clock(), current_correlation())
    after_answer(lambda: state.wakeups.wake(WORK))
    status_url = url_for("jobs.read", job_id=job.id)
    accepted = {"job_id": job.id, "status": job.status, "status_url": status_url}
    return accepted, 202, {"Location": status_url}


@routes.get("/jobs", operation_id="list_jobs", responses={200: JobList, **problem_responses(404)})
def list_all(query: JobsQuery) -> dict[str, Any]:
    """List jobs, newest first."""
    with current_state().database.read() as connection:
        scope = find_scope(connection, table, query.deployment, query.integration)
        wanted = WantedJobs(query.status, scope, query.span, is_descending(query.sort))
        page = read_list(connection, listed_jobs(wanted), query)
    items = [_shown(job_from_row(row)) for row in page.rows]
    return {"items": items, "next_cursor": page.next_cursor}


@routes.get(
    "/jobs/<job_id>", operation_id="read_job", responses={200: JobAnswer, **problem_responses(404)}
)
def read(path: JobPath, query: JobQuery) -> dict[str, Any]:
    """Read a job; with `timeout`, wait for its end: at the timeout it is told as it is."""
    state = current_state()
    job = _read(state, path.job_id)
    if query.timeout is not None and not job.ended:
        job = _wait_for_end(state, job.id, query.timeout)
    return _shown(job)


@routes.get(
    "/jobs/<job_id>/tasks",
    operation_id="list_task_results",
    responses={200: TaskResults, **problem_responses(404)},
)
def tasks(path: JobPath) -> dict[str, Any]:
    """Read a job's task results as far as there are any."""
    with current_state().database.read() as connection:
        job = read_job(connection, path.job_id)
        return {"items": read_results(connection, job.id), "next_cursor": None}


@routes.post(
    "/jobs/<job_id>/cancel",
    operation_id="cancel_job",
    responses={200: JobAnswer, **problem_responses(404, 409)},
)
def cancel(path: JobPath) -> dict[str, Any]:
    """Cancel a job: a pending one at once, a running one as soon as its worker hears of it."""
    state = current_state()
    with state.database.write() as connection:
        cancel_job(connection, path.job_id, state.clock())
        job = read_job(connection, path.job_id)
    state.wakeups.wake_jobs(job.id)
    return _shown(job)


def _shown(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in SHOWN}


def _read(state: State, job_id: str) -> Job:
    with state.database.read() as connection:
        return read_job(connection, job_id)


def _wait_for_end(state: State, job_id: str, seconds: float) -> Job:
    def look() -> Job | None:
        job = _read(state, job_id)
        return job if job.ended else None

    ended = state.wakeups.wait_for(Topic(Kind.END, job_id), look, seconds)
    return ended or _read(state, job_id)


def _check_nothing_is_asked() -> None:
    body = request.get_data()
    if not body.strip():
        return
    try:
        asked = current_app.json.loads(body)
    except ValueError as error:
        raise BadRequest("the body is not JSON", "leave it out or send {}") from error
    if asked != {}:
        raise Unprocessable(
            "a job of a deployment takes no parameters", "leave the body out or send {}"
        )
