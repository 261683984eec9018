"""The lines that a child reports: cut out of its channel, and checked as if the child lied."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import from_json

from utils.tasks import MOST_PARALLEL_TASKS

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Title = Annotated[str, StringConstraints(max_length=2_000)]
Type = Literal["collector", "insight", "reconciler"]
SeverityName = Literal["low", "medium", "high", "critical"]
Status = Literal["success", "failed", "skipped", "timeout"]
Lines = Annotated[list[str], Field(max_length=10_000)]

_MAYBE_INFINITE = re.compile(rb"[eE]\+?[0-9]{3}")
_RESULT_BEGINS = re.compile(rb'{"type":"task_finished","result":{"name":"(\w+)"')
_BEGINNING_BYTES = 256  # a task's name has 200 characters at most
_NUL = b"\\u0000"


class _Checked(BaseModel):
    # What a newer SDK may add is left out, not refused: the API would refuse it.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Fault(_Checked):
    """Why something went wrong, and what to do now."""

    reason: str
    advice: str = ""
    traceback: str | None = None


class Cause(_Checked):
    """Why another system could not be used: what its job acts on."""

    kind: Literal["disabled", "not_configured", "auth", "rate_limited", "temporary", "permanent"]
    retry_after: float | None = Field(None, ge=0, le=1e9, strict=False, allow_inf_nan=False)


class StageOneFault(Fault):
    """What went wrong in StageOne."""

    cause: Cause | None = None


class PlannedTask(_Checked):
    """A task as its decorator describes it."""

    name: Name
    title: Title
    description: str | None = None
    type: Type
    severity: SeverityName | None = None
    order: int = 0
    enabled: bool = True
    depends_on: list[str] = []


class Resource(_Checked):
    """One resource that an insight found wrong."""

    id: str = Field(min_length=1, max_length=2_000)
    message: str | None = None
    severity: SeverityName | None = None
    data: dict[str, Any] | list[Any] | None = None


class WrittenData(_Checked):
    """A file beside the spool that holds a task's data."""

    file: int = Field(ge=0, le=100_000)
    size_bytes: int = Field(ge=0)


class TaskResult(_Checked):
    """How one task ended, and what it found."""

    name: Name
    title: Title
    type: Type
    status: Status
    verdict: Literal["pass", "fail", "unknown"] | None = None
    severity: SeverityName | None = None
    message: str | None = None
    data: dict[str, Any] | list[Any] | None = None
    resources: list[Resource] | None = None
    errors: list[str] | None = None
    logs: Lines = []
    duration_seconds: float = Field(ge=0, strict=False)
    reason: str | None = None
    partial: Lines = []
    cause: Cause | None = None
    large: WrittenData | None = None  # then `data` is null

    @property
    def is_consistent(self) -> bool:
        """Whether verdict and resources fit to the type and status."""
        if self.type != "insight":
            return self.verdict is None and not self.resources
        if self.status != "success" and self.verdict != "unknown":
            return False
        ids = [resource.id for resource in self.resources or ()]
        return (
            self.verdict is not None
            and not (self.verdict == "pass" and ids)
            and len(ids) == len(set(ids))
        )


class Plan(_Checked):
    """The tasks that will run, in their order."""

    type: Literal["plan"]
    tasks: list[PlannedTask] = Field(max_length=1_000)
    parallel_tasks: int = Field(default=1, ge=1, le=MOST_PARALLEL_TASKS)


class Broken(_Checked):
    """The integration cannot be used: its entry or its tasks are wrong."""

    type: Literal["broken"]
    error: Fault
    is_late: bool = False  # its import was stopped at its deadline


class StageOneEnded(_Checked):
    """The integration's StageOne is over."""

    type: Literal["stage_one"]
    status: Literal["success", "failed", "timeout"]
    duration_seconds: float = Field(ge=0, strict=False)
    error: StageOneFault | None = None
    logs: Lines = []


class TaskStarted(_Checked):
    """A task begins."""

    type: Literal["task_started"]
    task: Name


class Progress(_Checked):
    """How far a running task says that it is."""

    type: Literal["progress"]
    task: Name
    done: float = Field(ge=0, le=1e15, strict=False, allow_inf_nan=False)
    total: float | None = Field(None, ge=0, le=1e15, strict=False, allow_inf_nan=False)


class DataWritten(WrittenData):
    """A running task's data has grown to so many bytes."""

    type: Literal["data_written"]
    task: Name


class TaskFinished(_Checked):
    """A task has ended."""

    type: Literal["task_finished"]
    result: TaskResult


class Exchanged(_Checked):
    """A recorded HTTP exchange, in a run that records."""

    type: Literal["exchange"]
    exchange: dict[str, Any]


class Reads(_Checked):
    """Which tasks a task has asked about, in a run that records or replays."""

    type: Literal["reads"]
    task: Name
    reads: list[Name] = Field(max_length=1_000)


class Finished(_Checked):
    """Every task was reported."""

    type: Literal["finished"]


class Unfit(_Checked):
    """A warm process has loaded, and must not be forked."""

    type: Literal["unfit"]
    reason: str


class OwnTestsEnded(_Checked):
    """The integration's own tests have ended."""

    type: Literal["tests"]
    code: int  # of pytest
    passed: int = Field(ge=0)
    failed: int = Field(ge=0)
    skipped: int = Field(ge=0)
    notes: list[str]  # of `utils.testing`, one JSON object each


WarmEvent = Plan | Broken | Unfit
_WARM_EVENT: TypeAdapter[WarmEvent] = TypeAdapter(Annotated[WarmEvent, Field(discriminator="type")])
ChildEvent = (
    Plan
    | Broken
    | StageOneEnded
    | TaskStarted
    | Progress
    | DataWritten
    | TaskFinished
    | Exchanged
    | Reads
    | Finished
)
_EVENT: TypeAdapter[ChildEvent] = TypeAdapter(Annotated[ChildEvent, Field(discriminator="type")])


@dataclass(frozen=True)
class Oversize:
    """A line that was longer than allowed, and therefore not kept but for its beginning."""

    size_bytes: int
    beginning: bytes = b""

    @property
    def task(self) -> str | None:
        """Whose result it is, where the SDK wrote it."""
        found = _RESULT_BEGINS.match(self.beginning)
        return found[1].decode() if found else None


class LineSplitter:
    """Cuts a channel's bytes into lines, none longer than a limit in memory."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: list[bytes] = []
        self._size_bytes = 0
        self._beginning = b""

    @property
    def unended_bytes(self) -> int:
        """How long the line is by now that has not ended."""
        return self._size_bytes

    def feed(self, chunk: bytes) -> Iterator[bytes | Oversize]:
        """Take the next bytes; yield each line that they end."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._keep(end)
            yield self._whole_line()
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        if self._size_bytes < _BEGINNING_BYTES:
            self._beginning = (self._beginning + piece[:_BEGINNING_BYTES])[:_BEGINNING_BYTES]
        self._size_bytes += len(piece)
        if self._size_bytes > self._limit_bytes:
            self._kept.clear()
        elif piece:
            self._kept.append(piece)

    def _whole_line(self) -> bytes | Oversize:
        size, line, beginning = self._size_bytes, b"".join(self._kept), self._beginning
        self._kept, self._size_bytes, self._beginning = [], 0, b""
        return line if size <= self._limit_bytes else Oversize(size, beginning)


def read_event(line: bytes) -> ChildEvent | None:
    """Return the event that a line holds; None when it holds none that can be recorded."""
    try:
        value = from_json(line, allow_inf_nan=False)  # refuses more than 200 levels too
        if _MAYBE_INFINITE.search(line):
            json.dumps(value, allow_nan=False)  # 1e999 is read as infinity
        event = _EVENT.validate_python(without_nul(value) if _NUL in line else value)
    except (ValueError, ValidationError, RecursionError):
        return None
    if isinstance(event, TaskFinished) and not event.result.is_consistent:
        return None
    return event


def read_warm_event(line: bytes) -> WarmEvent | None:
    """Return what a warm process says of its start; None when the line says nothing of that."""
    try:
        return _WARM_EVENT.validate_python(from_json(line, allow_inf_nan=False))
    except (ValueError, ValidationError, RecursionError):
        return None


def read_tests_event(line: bytes) -> OwnTestsEnded | None:
    """Return how an integration's own tests ended; None when the line does not say that."""
    try:
        return OwnTestsEnded.model_validate(from_json(line, allow_inf_nan=False))
    except (ValueError, ValidationError, RecursionError):
        return None


def without_nul(value: Any) -> Any:
    """Return JSON in which no text has a NUL any more."""
    # PostgreSQL keeps no NUL in text.
    if isinstance(value, str):
        return value.replace("\0", "\\x00")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value
