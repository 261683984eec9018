"""List, read and decide about violations."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.deployments import deployment_id_of
from api.integrations import find_integration
from api.models import Answer, Body, PageQuery, Path
from api.openapi import blueprint, problem_responses
from api.paging import read_page
from api.state import current_state
from api.storable import StorableText, StorableTime
from api.verdicts import ViolationStatus
from api.violations import (
    Decision,
    Wanted,
    decide,
    find_violation,
    listed_violations,
    shown_violation,
)
from utils.tasks import Severity

routes = blueprint("violations", __name__)


class ViolationPath(Path):
    """Which violation."""

    violation_id: StorableText = Field(max_length=64)


class ViolationsQuery(PageQuery):
    """Which violations a list asks for."""

    status: list[ViolationStatus] = Field([], max_length=10, description="one or several")
    severity: Severity | None = Field(None, description="this one alone")
    min_severity: Severity | None = Field(None, description="this one and what is worse")
    integration: StorableText | None = Field(None, max_length=64)
    deployment: StorableText | None = Field(None, max_length=200, description="its id or name")


class DecisionBody(Body):
    """What somebody decides about a violation."""

    status: Literal["open", "acknowledged", "muted"]
    reason: StorableText | None = Field(None, max_length=10_000, description="needed for a mute")
    until: StorableTime | None = Field(None, description="when a mute ends; none: never")


class ViolationAnswer(Answer):
    """A violation: the lasting record of a failed insight."""

    id: str
    integration: str
    deployment_id: str
    deployment_name: str
    task: str
    title: str
    resource_id: str = Field(description="empty: the insight as a whole")
    severity: Severity
    status: ViolationStatus
    message: str | None
    data: dict[str, Any] | list[Any] | None
    note: str | None = Field(description="why it was acknowledged or muted")
    muted_until: datetime | None
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None
    occurrences: int
    job_id: str = Field(description="the job that saw it last")


class ViolationList(Answer):
    """One page of violations, the worst first, then the ones seen last."""

    items: list[ViolationAnswer]
    next_cursor: str | None


@routes.get("/violations", responses={200: ViolationList, **problem_responses(404)})
def list_all(query: ViolationsQuery) -> dict[str, Any]:
    """List violations, the worst first."""
    with current_state().database.read() as connection:
        deployment_id = query.deployment and deployment_id_of(connection, query.deployment)
        if query.integration is not None:
            find_integration(connection, query.integration)
        wanted = Wanted(
            query.status, query.severity, query.min_severity, query.integration, deployment_id
        )
        found, order = listed_violations(wanted)
        page = read_page(connection, found.select(), order, query)
    items = [shown_violation(row) for row in page.rows]
    return {"items": items, "next_cursor": page.next_cursor}


@routes.get(
    "/violations/<violation_id>", responses={200: ViolationAnswer, **problem_responses(404)}
)
def read(path: ViolationPath) -> dict[str, Any]:
    """Read one violation."""
    with current_state().database.read() as connection:
        return shown_violation(find_violation(connection, path.violation_id))


@routes.patch(
    "/violations/<violation_id>", responses={200: ViolationAnswer, **problem_responses(404, 409)}
)
def change(path: ViolationPath, body: DecisionBody) -> dict[str, Any]:
    """Open, acknowledge or mute a violation."""
    state = current_state()
    decision = Decision(ViolationStatus(body.status), body.reason, body.until)
    with state.database.write() as connection:
        row = decide(connection, path.violation_id, decision, state.clock())
    return shown_violation(row)
