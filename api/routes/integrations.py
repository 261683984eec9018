"""Read the integrations."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.integrations import (
    IntegrationState,
    find_integration,
    listed_integrations,
    shown_integration,
)
from api.list_queries import is_descending
from api.listing import read_list
from api.models import Answer, PageQuery, Path, ProblemNote
from api.openapi import blueprint, problem_responses
from api.state import current_state

routes = blueprint("integrations", __name__)


class IntegrationPath(Path):
    """Which integration."""

    name: str = Field(max_length=64)


class IntegrationsQuery(PageQuery):
    """Which integrations a list asks for."""

    sort: Literal["name", "-name"] = "name"
    state: list[IntegrationState] = Field([], max_length=10, description="one or several")


class Warm(Answer):
    """Whether jobs are forked from a process that has imported the integration already."""

    state: Literal["ready", "unfit", "off", "idle"]
    reason: str | None = Field(description="why it is unfit")


class Environment(Answer):
    """The environment that an integration runs in."""

    key: str
    state: str
    seconds: float | None = Field(description="what its build took; null when it was there")
    warm: Warm | None = None
    isolation: str | None = Field(None, description="how far its jobs are kept apart")
    egress: str | None = Field(None, description="`declared`: its jobs reach `hosts` alone")


class Integration(Answer):
    """An integration: its manifest entry, and what workers report of it."""

    name: str
    title: str
    description: str
    enabled: bool
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema of the config")
    hosts: list[str] | None = Field(description="that its jobs may reach; null: not declared")
    state: IntegrationState
    commit: str | None
    tasks: list[dict[str, Any]] | None
    environment: Environment | None
    problem: ProblemNote | None
    created_at: datetime
    updated_at: datetime


class IntegrationList(Answer):
    """One page of integrations, by name."""

    items: list[Integration]
    next_cursor: str | None


@routes.get("/integrations", operation_id="list_integrations", responses={200: IntegrationList})
def list_all(query: IntegrationsQuery) -> dict[str, Any]:
    """List the integrations by name."""
    wanted = listed_integrations(query.state, descending=is_descending(query.sort))
    with current_state().database.read() as connection:
        page = read_list(connection, wanted, query)
    return {
        "items": [shown_integration(row) for row in page.rows],
        "next_cursor": page.next_cursor,
    }


@routes.get(
    "/integrations/<name>",
    operation_id="read_integration",
    responses={200: Integration, **problem_responses(404)},
)
def read(path: IntegrationPath) -> dict[str, Any]:
    """Read one integration."""
    with current_state().database.read() as connection:
        return shown_integration(find_integration(connection, path.name))
