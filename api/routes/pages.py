"""The web pages: plain HTML, no script, nothing from elsewhere."""

from datetime import timedelta
from typing import Any

from flask import Response, render_template

from api.json_format import iso
from api.models import PageQuery
from api.openapi import blueprint
from api.pages import read_job_page, read_overview, read_violations
from api.principal import LOOPBACK, current_principal
from api.problem_answers import request_id
from api.problems import Problem
from api.routes.jobs import JobPath
from api.state import current_state
from api.verdicts import ViolationStatus
from utils import __version__

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
routes = blueprint("pages", __name__, prefix=None)


class ViolationsQuery(PageQuery):
    """Which violations a page shows."""

    status: ViolationStatus = ViolationStatus.OPEN


@routes.get("/", doc_ui=False)
def home() -> str:
    """Show how everything stands."""
    state = current_state()
    lease = timedelta(seconds=state.settings.lease_seconds)
    with state.database.read() as connection:
        overview = read_overview(connection, state.clock(), lease)
    return _page("home.html", overview=overview)


@routes.get("/jobs/<job_id>", doc_ui=False)
def job(path: JobPath) -> str:
    """Show a job with its tasks."""
    with current_state().database.read() as connection:
        page = read_job_page(connection, path.job_id)
    return _page("job.html", page=page, job=page.job)


@routes.get("/violations", doc_ui=False)
def violations(query: ViolationsQuery) -> str:
    """Show violations, the worst first."""
    with current_state().database.read() as connection:
        page = read_violations(connection, query.status, query)
    return _page("violations.html", page=page, status=query.status, statuses=list(ViolationStatus))


@routes.errorhandler(Problem)
def problem(error: Problem) -> tuple[str, int]:
    """Show a problem as a page."""
    return _page("problem.html", problem=error, request_id=request_id()), error.status


@routes.after_request
def restrict(response: Response) -> Response:
    """Let the browser load our style sheet and nothing else."""
    response.headers["Content-Security-Policy"] = POLICY
    # With no-referrer a browser would send our own forms as if they came from another site.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(template: str, **values: Any) -> str:
    visitor = current_principal()
    shown = None if visitor == LOOPBACK else visitor
    return render_template(template, version=__version__, iso=iso, visitor=shown, **values)
