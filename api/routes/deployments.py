"""Create, read, change and delete deployments."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, StrictStr
from sqlalchemy import select

from api.deployments import (
    create_deployment,
    delete_deployment,
    find_deployment,
    is_id,
    shown_deployment,
    update_deployment,
)
from api.models import Answer, Body, PageQuery, Path, ProblemNote
from api.openapi import blueprint, problem_responses
from api.paging import Order, read_page
from api.standing import DeploymentState
from api.state import current_state
from api.tables import deployments

routes = blueprint("deployments", __name__)
ORDER = Order((deployments.c.created_at, deployments.c.id))


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


class DeploymentList(Answer):
    """One page of deployments, newest first."""

    items: list[Deployment]
    next_cursor: str | None


@routes.post("/deployments", responses={201: Deployment, **problem_responses(409, 503)})
def create(body: NewDeployment) -> tuple[dict[str, Any], int]:
    """Create a deployment."""
    return shown_deployment(create_deployment(current_state(), body.model_dump())), 201


@routes.get("/deployments", responses={200: DeploymentList})
def list_all(query: PageQuery) -> dict[str, Any]:
    """List the deployments, newest first."""
    with current_state().database.read() as connection:
        page = read_page(connection, select(deployments), ORDER, query)
    return {
        "items": [shown_deployment(row) for row in page.rows],
        "next_cursor": page.next_cursor,
    }


@routes.get("/deployments/<deployment>", responses={200: Deployment, **problem_responses(404)})
def read(path: DeploymentPath) -> dict[str, Any]:
    """Read one deployment by its id or name."""
    with current_state().database.read() as connection:
        return shown_deployment(find_deployment(connection, path.deployment))


@routes.patch(
    "/deployments/<deployment>", responses={200: Deployment, **problem_responses(404, 409, 503)}
)
def change(path: DeploymentPath, body: DeploymentChanges) -> dict[str, Any]:
    """Change some fields of a deployment; `enabled` pauses and resumes it."""
    changes = body.model_dump(exclude_unset=True)
    return shown_deployment(update_deployment(current_state(), path.deployment, changes))


@routes.delete("/deployments/<deployment>", responses={204: None, **problem_responses(404, 409)})
def remove(path: DeploymentPath) -> tuple[str, int]:
    """Delete a deployment: its jobs stay as history, its open violations are resolved."""
    state = current_state()
    cancelled = delete_deployment(state, path.deployment)
    state.wakeups.wake_jobs(*cancelled)
    return "", 204
