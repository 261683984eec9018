"""What a worker may report: one model an event, checked as if the worker lied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from api.models import Body
from api.storable import StorableTime, storage_fault
from api.task_results import Cause, TaskName, TaskResult
from utils.pointers import json_pointer

MOST_EVENTS = 10_000
OUTPUT_LIMIT_CHARACTERS = 1024 * 1024
_LARGEST = 2**63 - 1
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


class Fault(Body):
    """Why something went wrong, and what to do now."""

    reason: str
    advice: str = ""
    traceback: str | None = None


class _Event(Body):
    seq: int = Field(ge=1, le=2**31 - 1)
    at: StorableTime


class Started(_Event):
    """The worker begins."""

    type: Literal["started"]
    commit: Commit
    environment: str | dict[str, Any] | None = None
    isolation: str = Field(max_length=64)
    worker: str = Field(max_length=200)


class StageOneEnded(_Event):
    """The integration's StageOne is over."""

    type: Literal["stage_one"]
    status: Literal["success", "failed", "timeout"]
    duration_seconds: float = Field(ge=0, allow_inf_nan=False)
    error: Fault | None = None
    logs: list[str] = Field(default=[], max_length=10_000)


class TaskStarted(_Event):
    """A task begins."""

    type: Literal["task_started"]
    task: TaskName


class Progress(_Event):
    """How far a running task is, in whatever it counts."""

    type: Literal["progress"]
    task: TaskName
    done: float = Field(ge=0, allow_inf_nan=False)
    total: float | None = Field(None, ge=0, allow_inf_nan=False)


class TaskFinished(_Event):
    """A task has ended; each task of a job has one such event."""

    type: Literal["task_finished"]
    result: TaskResult


class Output(_Event):
    """Something that the job's processes printed."""

    type: Literal["output"]
    stream: Literal["stdout", "stderr"]
    text: str = Field(max_length=OUTPUT_LIMIT_CHARACTERS)


class Reached(Body):
    """One host and port that a job connected to, or tried to."""

    host: str = Field(max_length=300)
    port: int = Field(ge=0, le=65535)
    allowed: bool
    reason: str | None = Field(None, max_length=2_000)
    connections: int = Field(ge=0, le=_LARGEST)
    bytes_sent: int = Field(ge=0, le=_LARGEST)
    bytes_received: int = Field(ge=0, le=_LARGEST)


class NetworkUsed(_Event):
    """What the job reached of what its integration declares, and what was refused."""

    type: Literal["network"]
    egress: Literal["open", "declared"]
    hosts: list[Annotated[str, Field(max_length=300)]] | None = Field(None, max_length=500)
    reached: list[Reached] = Field(max_length=500)
    omitted: int = Field(0, ge=0, le=_LARGEST)
    complete: bool = True


class JobFinished(_Event):
    """The job is over; the last event of an attempt."""

    type: Literal["job_finished"]
    status: Literal["success", "partial", "failed", "cancelled"]
    error: Fault | None = None
    cause: Cause | None = None


Event = (
    Started
    | StageOneEnded
    | TaskStarted
    | Progress
    | TaskFinished
    | Output
    | NetworkUsed
    | JobFinished
)
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


@dataclass(frozen=True)
class CheckedEvents:
    """The events before the first one that cannot be recorded, and what is wrong with that."""

    events: tuple[Event, ...]
    fault: str | None = None


def check_events(given: Sequence[Any]) -> CheckedEvents:
    """Check the events of one report, in their order."""
    checked: list[Event] = []
    for index, value in enumerate(given):
        event, fault = _checked(value)
        fault = fault or _fault_of_order(checked, event)
        if event is None or fault:
            return CheckedEvents(tuple(checked), f"/events/{index}{fault}")
        checked.append(event)
    return CheckedEvents(tuple(checked))


def _checked(value: Any) -> tuple[Event | None, str]:
    if fault := storage_fault(value):
        return None, f"{fault.pointer}: {fault.message}"
    try:
        return _EVENT.validate_python(value), ""
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return None, f"{json_pointer(first['loc'])}: {first['msg']}"


def _fault_of_order(before: Sequence[Event], event: Event | None) -> str:
    if not before or event is None:
        return ""
    if event.seq != before[-1].seq + 1:
        return f"/seq: {event.seq} does not follow {before[-1].seq}"
    if before[-1].type == "job_finished":
        return ": nothing follows job_finished"
    return ""
