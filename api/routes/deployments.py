"""Create, read, change and delete deployments."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import url_for
from pydantic import AfterValidator, Field, StrictBool, StrictStr
from sqlalchemy import Row

from api.deployments import (
    WantedDeployments,
    create_deployment,
    delete_deployment,
    deployment_edition,
    find_deployment,
    is_id,
    listed_deployments,
    shown_deployment,
    update_deployment,
)
from api.editions import announce_edition, if_match
from api.integrations import find_integration
from api.list_queries import MOST_NAMED, Names, TimedQuery, is_descending
from api.listing import ALWAYS, read_list
from api.models import Answer, Body, Path, ProblemNote
from api.once import once
from api.openapi import blueprint, problem_responses
from api.problems import FieldError, Unprocessable
from api.standing import DeploymentState
from api.state import current_state

routes = blueprint("deployments", __name__)


def _checked_name(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise ValueError(
            "a name begins with a letter, a digit or _; these, blanks and any of .:@+- may follow"
        )
    if is_id(name):
        raise ValueError("this looks like an id; choose another name")
    return name


_NAME = r"^[\w][\w .:@+-]*$"
Name = Annotated[
    StrictStr,
    Field(min_length=1, max_length=200, json_schema_extra={"pattern": _NAME}),
    AfterValidator(_checked_name),
]
IntegrationName = Annotated[StrictStr, Field(max_length=64, pattern=r"^[^\x00]*$")]


class NewDeployment(Body):
    """A deployment to create."""

    name: Name
    integration: IntegrationName
    config: dict[str, Any] = Field(description="what the integration's schema accepts")
    schedule: StrictStr | None = Field(
        None, max_length=200, description="a cron line, `every 15m`, or null for on demand only"
    )
    timezone: StrictStr = Field("UTC", max_length=64, description="the schedule's time zone")
    enabled: StrictBool = Field(True, description="false: paused")


class DeploymentChanges(Body):
    """The fields to change; those left out stay as they are."""

    name: Name = ""
    integration: IntegrationName = Field("", description="cannot be changed")
    config: dict[str, Any] = Field(
        {}, description="replaces the whole config; a mask keeps the stored secret"
    )
    schedule: StrictStr | None = Field(None, max_length=200)
    timezone: StrictStr = Field("", max_length=64)
    enabled: StrictBool = True


class DeploymentPath(Path):
    """Which deployment: its id or its name."""

    deployment: str = Field(max_length=200)


class Deployment(Answer):
    """A deployment; secrets in its config are masked."""

    id: str
    name: str
    integration: str
    config: dict[str, Any]
    schedule: str | None
    timezone: str
    enabled: bool = Field(description="what the user wants; `state` is what holds")
    state: DeploymentState
    problem: ProblemNote | None
    next_due_at: datetime | None
    created_at: datetime
    updated_at: datetime


class DeploymentsQuery(TimedQuery):
    """Which deployments a list asks for; `since` and `until` bound the time they were made."""

    sort: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"
    state: list[DeploymentState] = Field([], max_length=10, description="one or several")
    integration: Names = Field([], max_length=MOST_NAMED, description="one or several")


class DeploymentList(Answer):
    """One page of deployments, newest first."""

    items: list[Deployment]
    next_cursor: str | None


@routes.post(
    "/deployments",
    operation_id="create_deployment",
    responses={201: Deployment, **problem_responses(409)},
)
@once()
def create(body: NewDeployment) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Create a deployment."""
    row = create_deployment(current_state(), body.model_dump())
    return _shown(row), 201, {"Location": url_for("deployments.read", deployment=row.id)}


@routes.get(
    "/deployments",
    operation_id="list_deployments",
    responses={200: DeploymentList, **problem_responses(404)},
)
def list_all(query: DeploymentsQuery) -> dict[str, Any]:
    """List the deployments, newest first."""
    by_name = query.sort.removeprefix("-") == "name"
    _check_span(query, by_name=by_name)
    integrations = tuple(dict.fromkeys(query.integration))
    wanted = WantedDeployments(
        query.state, integrations, by_name, query.span, is_descending(query.sort)
    )
    with current_state().database.read() as connection:
        for name in integrations:
            find_integration(connection, name)
        page = read_list(connection, listed_deployments(wanted), query)
    return {
        "items": [shown_deployment(row) for row in page.rows],
        "next_cursor": page.next_cursor,
    }


@routes.get(
    "/deployments/<deployment>",
    operation_id="read_deployment",
    responses={200: Deployment, **problem_responses(404)},
)
def read(path: DeploymentPath) -> dict[str, Any]:
    """Read one deployment by its id or name."""
    with current_state().database.read() as connection:
        return _shown(find_deployment(connection, path.deployment))


@routes.patch(
    "/deployments/<deployment>",
    operation_id="change_deployment",
    responses={200: Deployment, **problem_responses(404, 409, 412)},
)
def change(path: DeploymentPath, body: DeploymentChanges) -> dict[str, Any]:
    """Change some fields of a deployment; `enabled` pauses and resumes it."""
    changes = body.model_dump(exclude_unset=True)
    check = if_match(f"deployment {path.deployment!r}")
    return _shown(update_deployment(current_state(), path.deployment, changes, check))


@routes.delete(
    "/deployments/<deployment>",
    operation_id="delete_deployment",
    responses={204: None, **problem_responses(404, 409, 412)},
)
def remove(path: DeploymentPath) -> tuple[str, int]:
    """Delete a deployment: its jobs stay as history, its open violations are resolved."""
    state = current_state()
    cancelled = delete_deployment(
        state, path.deployment, if_match(f"deployment {path.deployment!r}")
    )
    state.wakeups.wake_jobs(*cancelled)
    return "", 204


def _shown(row: Row[Any]) -> dict[str, Any]:
    announce_edition(deployment_edition(row))
    return shown_deployment(row)


def _check_span(query: DeploymentsQuery, *, by_name: bool) -> None:
    if by_name and query.span != ALWAYS:
        message = "deployments that are bounded in time are sorted by created_at"
        raise Unprocessable(
            message, "leave out `since` and `until`", errors=[FieldError("/sort", message)]
        )
