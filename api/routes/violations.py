"""List, read and decide about violations."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Row

from api.editions import announce_edition, if_match
from api.list_queries import MOST_NAMED, Names, ScopedQuery, is_descending
from api.listing import read_list
from api.models import Answer, Body, Path
from api.openapi import blueprint, problem_responses
from api.problems import FieldError, Unprocessable
from api.scopes import find_scope
from api.state import current_state
from api.storable import StorableText, StorableTime
from api.tables import violations
from api.verdicts import ViolationStatus
from api.violations import (
    Decision,
    SortedBy,
    Wanted,
    decide,
    find_violation,
    listed_violations,
    shown_violation,
    violation_edition,
)
from utils.tasks import Severity

routes = blueprint("violations", __name__)


class ViolationPath(Path):
    """Which violation."""

    violation_id: StorableText = Field(max_length=64)


class ViolationsQuery(ScopedQuery):
    """Which violations a list asks for; `since` and `until` bound when they were seen."""

    sort: Literal[
        "severity", "-severity", "last_seen", "-last_seen", "first_seen", "-first_seen"
    ] = "-severity"
    status: list[ViolationStatus] = Field([], max_length=10, description="one or several")
    severity: list[Severity] = Field([], max_length=10, description="one or several")
    min_severity: Severity | None = Field(None, description="this one and what is worse")
    task: Names = Field(
        [], max_length=MOST_NAMED, description="one or several, of a deployment or an integration"
    )

    @property
    def severities(self) -> list[Severity] | None:
        """Return those that are asked for; None: any."""
        if not self.severity and self.min_severity is None:
            return None
        least = self.min_severity.rank if self.min_severity else 0
        return [one for one in self.severity or Severity if one.rank >= least]


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


@routes.get(
    "/violations",
    operation_id="list_violations",
    responses={200: ViolationList, **problem_responses(404)},
)
def list_all(query: ViolationsQuery) -> dict[str, Any]:
    """List violations, the worst first."""
    _check_tasks(query)
    with current_state().database.read() as connection:
        wanted = Wanted(
            statuses=query.status,
            severities=query.severities,
            scope=find_scope(connection, violations, query.deployment, query.integration),
            tasks=query.task,
            span=query.span,
            sorted_by=SortedBy(query.sort.removeprefix("-")),
            descending=is_descending(query.sort),
        )
        page = read_list(connection, listed_violations(wanted), query)
    items = [shown_violation(row) for row in page.rows]
    return {"items": items, "next_cursor": page.next_cursor}


@routes.get(
    "/violations/<violation_id>",
    operation_id="read_violation",
    responses={200: ViolationAnswer, **problem_responses(404)},
)
def read(path: ViolationPath) -> dict[str, Any]:
    """Read one violation."""
    with current_state().database.read() as connection:
        return _shown(find_violation(connection, path.violation_id))


@routes.patch(
    "/violations/<violation_id>",
    operation_id="decide_violation",
    responses={200: ViolationAnswer, **problem_responses(404, 409, 412)},
)
def change(path: ViolationPath, body: DecisionBody) -> dict[str, Any]:
    """Open, acknowledge or mute a violation."""
    state = current_state()
    decision = Decision(ViolationStatus(body.status), body.reason, body.until)
    with state.database.write() as connection:
        check = if_match(f"violation {path.violation_id}")
        row = decide(connection, path.violation_id, decision, state.clock(), check)
    return _shown(row)


def _shown(row: Row[Any]) -> dict[str, Any]:
    announce_edition(violation_edition(row))
    return shown_violation(row)


def _check_tasks(query: ViolationsQuery) -> None:
    if not query.task:
        return
    if not query.deployment and not query.integration:
        message = "a task is named together with its integration or a deployment"
        raise Unprocessable(
            message, "add `integration` or `deployment`", errors=[FieldError("/task", message)]
        )
    if SortedBy(query.sort.removeprefix("-")) is SortedBy.FIRST_SEEN:
        message = "violations of a task are not sorted by first_seen"
        raise Unprocessable(
            message, "sort by severity or last_seen", errors=[FieldError("/sort", message)]
        )
