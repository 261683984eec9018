"""Where workers report what they can run."""

from typing import Any, Literal

from pydantic import Field

from api.catalogue import Report, SourceReport, record_reports, record_source
from api.integrations import IntegrationState
from api.models import Answer, Body, Number
from api.openapi import blueprint
from api.problems import Unprocessable
from api.state import current_state
from api.storable import storage_fault
from utils.notes import Note

routes = blueprint("catalogue", __name__)


class ProblemBody(Body):
    """What is wrong, and what to do now."""

    reason: str = Field(max_length=100_000)
    advice: str = Field("", max_length=10_000)

    def note(self) -> Note:
        """Return it as the rest of the API knows it."""
        return Note(self.reason, self.advice)


class SourceBody(Body):
    """How the worker's source stands."""

    url: str = Field(max_length=4096, description="without credentials")
    ref: str = Field(max_length=1024)
    state: Literal["ok", "degraded"]
    problem: ProblemBody | None = None


class WarmBody(Body):
    """Whether jobs are forked from a process that has imported the integration."""

    state: Literal["ready", "unfit", "off", "idle"]
    reason: str | None = Field(None, max_length=100_000)


class EnvironmentBody(Body):
    """The environment that an integration runs in."""

    key: str = Field(max_length=200)
    seconds: Number | None = Field(None, ge=0)
    warm: WarmBody | None = None


class IntegrationBody(Body):
    """What the worker can do with one integration."""

    name: str = Field(max_length=64)
    state: Literal["ready", "broken"]
    commit: str | None = Field(max_length=64)
    tasks: list[dict[str, Any]] | None
    environment: EnvironmentBody | None
    problem: ProblemBody | None


class CatalogueBody(Body):
    """All that a worker can run."""

    worker: str = Field(min_length=1, max_length=200)
    commit: str | None = Field(max_length=64)
    source: SourceBody
    isolation: str | None = Field(None, max_length=32)
    egress: str | None = Field(None, max_length=32)
    integrations: list[IntegrationBody] = Field(max_length=10_000)


class Recorded(Answer):
    """Which of the reported integrations are registered; the others await init."""

    known: list[str]
    unknown: list[str]


@routes.put("/catalogue", operation_id="put_catalogue", responses={200: Recorded})
def put(body: CatalogueBody) -> dict[str, Any]:
    """Replace what is known of a worker's source and integrations."""
    _check_storable(body)
    state = current_state()
    now = state.clock()
    with state.database.write() as connection:
        record_source(connection, _source(body), now)
        reports = (_report(one, body) for one in body.integrations)
        recorded = record_reports(connection, reports, now)
    return {"known": recorded.known, "unknown": recorded.unknown}


def _check_storable(body: CatalogueBody) -> None:
    fault = storage_fault(body.model_dump())
    if fault is not None:
        raise Unprocessable(
            f"the report cannot be stored: {fault.pointer}: {fault.message}",
            "remove what cannot be stored and send the report again",
            errors=[fault],
        )


def _source(body: CatalogueBody) -> SourceReport:
    return SourceReport(
        url=body.source.url,
        ref=body.source.ref,
        commit=body.commit,
        state=body.source.state,
        problem=body.source.problem.note() if body.source.problem else None,
    )


def _report(body: IntegrationBody, worker: CatalogueBody) -> Report:
    environment = None
    if body.environment is not None:
        known = body.environment.model_dump(exclude_unset=True)
        apart = {"isolation": worker.isolation, "egress": worker.egress}
        environment = {**known, "state": "ready", **apart}
    return Report(
        name=body.name,
        state=IntegrationState(body.state),
        commit=body.commit,
        tasks=body.tasks,
        environment=environment,
        problem=body.problem.note() if body.problem else None,
    )
