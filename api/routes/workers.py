"""Workers report how they are, and anybody may read that."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from api.models import Answer, Body, Count, Number, Path
from api.openapi import blueprint
from api.state import State, current_state
from api.storable import StorableText, StorableTime
from api.workers import Worker, WorkerReport, WorkerState, read_workers, record_worker

routes = blueprint("workers", __name__)
_LARGEST = 2**63 - 1


class WorkerPath(Path):
    """Which worker."""

    worker: StorableText = Field(min_length=1, max_length=200)


class CheckBody(Body):
    """What one check of a worker found."""

    name: StorableText = Field(max_length=64)
    status: Literal["ok", "failed"]
    seconds: Number = Field(ge=0, le=1e6, allow_inf_nan=False)
    error: StorableText | None = Field(max_length=10_000)
    advice: StorableText | None = Field(max_length=10_000)
    detail: StorableText = Field("", max_length=10_000)


class WorkerBody(Body):
    """How a worker is."""

    version: StorableText = Field(max_length=64)
    isolation: StorableText = Field(max_length=64)
    egress: StorableText = Field(max_length=16)
    state: Literal["running", "stopped"]
    started_at: StorableTime
    jobs_running: Count = Field(ge=0, le=100_000)
    concurrency: Count = Field(ge=0, le=100_000)
    outbox_events: Count = Field(ge=0, le=_LARGEST)
    outbox_bytes: Count = Field(ge=0, le=_LARGEST)
    outbox_oldest_seconds: Number = Field(ge=0, le=1e12, allow_inf_nan=False)
    checks: list[CheckBody] = Field(max_length=50)


class CheckShown(Answer):
    """What one check of a worker found."""

    name: str
    status: Literal["ok", "failed"]
    seconds: float
    error: str | None
    advice: str | None
    detail: str


class WorkerAnswer(Answer):
    """A worker, as it last reported."""

    name: str
    version: str
    isolation: str
    egress: str
    state: WorkerState
    started_at: Any
    last_seen_at: Any
    silent_seconds: Number = Field(description="since it last reported")
    jobs_running: int
    concurrency: int
    outbox_events: int
    outbox_bytes: int
    outbox_oldest_seconds: float
    checks: list[CheckShown]


class WorkerList(Answer):
    """Every worker that reported within a week, by name."""

    items: list[WorkerAnswer]
    next_cursor: None = None


class Heard(Answer):
    """That a report was recorded."""

    status: Literal["ok"]


@routes.get("/workers", operation_id="list_workers", responses={200: WorkerList})
def list_all() -> dict[str, Any]:
    """List the workers, those that fell silent too."""
    return {"items": [asdict(one) for one in known_workers(current_state())], "next_cursor": None}


@routes.put("/workers/<worker>", operation_id="report_worker", responses={200: Heard})
def put(path: WorkerPath, body: WorkerBody) -> dict[str, Any]:
    """Record how a worker is; for workers, every few seconds."""
    state = current_state()
    report = WorkerReport(name=path.worker, **body.model_dump())
    with state.database.write(durable=False) as connection:
        record_worker(connection, report, state.clock())
    return {"status": "ok"}


def known_workers(state: State) -> list[Worker]:
    """Read the workers as they stand now."""
    lease = timedelta(seconds=state.settings.lease_seconds)
    with state.database.read() as connection:
        return read_workers(connection, state.clock(), lease)
