"""`ctx`: what a task may read and note, and what its reading means for its verdict."""

import json
from _thread import allocate_lock
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from utils.deadline import Deadline, current_deadline, seconds_left
from utils.errors import UpstreamFailed
from utils.failures import clean_text
from utils.results import Evidence, TaskResult
from utils.suggest import did_you_mean
from utils.tasks import TaskSpec

if TYPE_CHECKING:
    from logging import Logger

    from utils.cache import Cache
    from utils.http import HTTPClient
    from utils.task_tools import ClientSettings, JobTools, TaskTools

MAX_LINES = 1000
MAX_CHARACTERS = 64 * 1024


class OnDemand:
    """What the tasks of a job share, made by the first that asks, in whatever thread."""

    def __init__(self, line: int | None = None, *, debug: bool = False) -> None:
        self.line = line
        self.debug = debug  # whether DEBUG lines are kept too
        self._lock = allocate_lock()
        self._made: JobTools | None = None

    def get(self, make: "Callable[[int | None], JobTools]") -> "JobTools":
        """Return it; `make` gets the descriptor of the job's line, if it has one."""
        with self._lock:
            if self._made is None:
                self._made = make(self.line)
            return self._made


class JobView(NamedTuple):
    """What the tasks of one job see in common."""

    config: Mapping[str, Any]
    source: Mapping[str, Any]
    base: Mapping[str, Any]
    specs: Mapping[str, TaskSpec]  # of every task, those that do not run too
    results: Mapping[str, TaskResult]  # of those that have ended, filled as the job goes on
    beside: Collection[str] | None = None  # what may run at the same time; None: nothing ever does
    tools: OnDemand | None = None  # None: what tasks could share is each one's own
    mention: Callable[[Mapping[str, Any]], None] | None = None  # of a small event, from any thread
    request_id: str = ""
    traceparent: str = ""

    @property
    def keeps_debug(self) -> bool:
        """Whether the tasks' logs keep DEBUG lines."""
        return self.tools is not None and self.tools.debug


class BoundedLines:
    """The lines that a task noted, in any of its threads: at most 1,000 and 64 KiB, then a mark."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._lines: list[str] = []
        self._left = MAX_CHARACTERS
        self._full = False

    def add(self, line: object) -> None:
        """Keep one line, or say once that more were left out."""
        if self._full:
            return
        text = clean_text(str(line))
        size = len(text.encode())
        with self._lock:
            if self._full:
                return
            if size > self._left or len(self._lines) >= MAX_LINES:
                self._full = True
                text = f"[further lines left out: the limit is {MAX_LINES:,} lines or 64 KiB]"
            self._left -= size
            self._lines.append(text)

    def kept(self) -> tuple[str, ...]:
        """Return the lines so far."""
        return tuple(self._lines)


class TaskContext:
    """What a task gets as `ctx`.

    >>> def count_items(self, ctx):
    ...     items = ctx.get_data("list_items")["items"]
    ...     ctx.add_log(f"{len(items)} items")
    ...     return {"data": {"count": len(items)}}
    """

    def __init__(self, name: str, view: JobView, config: dict[str, Any]) -> None:
        self.config = config
        self._name = name
        self._view = view
        self._data: dict[str, Any] = {}
        self._logs = BoundedLines()
        self._errors = BoundedLines()
        self._partial: dict[str, None] = {}  # ordered, each reason once
        self._failed_reads: dict[str, None] = {}
        self._handled: set[str] = set()
        self._reads: dict[str, None] = {}
        self._own_tools: TaskTools | None = None
        self._deadline: Deadline | None = None

    @property
    def source(self) -> dict[str, Any]:
        """The source that this job runs from: `{"url", "ref", "commit"}`, without credentials."""
        return dict(self._view.source)

    @property
    def request_id(self) -> str:
        """The name of the request that asked for this job; empty where its schedule did."""
        return self._view.request_id

    @property
    def traceparent(self) -> str:
        """This job's place in a trace (W3C Trace Context), to send along; empty without one."""
        return self._view.traceparent

    def base(self, key: str, default: Any = None) -> Any:
        """Return a value that StageOne returned; the value itself, shared by all tasks."""
        return self._view.base.get(key, default)

    def get_data(self, task: str) -> Any:
        """Return the data of a task that has succeeded, as a copy of this task's own.

        It is the data as recorded, that is as JSON: a tuple comes back as a list, a date as text.
        Raises UpstreamFailed when the task did not succeed.
        """
        result = self._read(task)
        if task not in self._data:
            self._data[task] = result.large.read() if result.large else json.loads(result.data)
        return self._data[task]

    def get_message(self, task: str) -> str | None:
        """Return the message of a task that has succeeded; raises UpstreamFailed otherwise."""
        return self._read(task).message

    def succeeded(self, task: str) -> bool:
        """Tell whether a task has succeeded; False for one that never ran.

        Asking means that the caller deals with the answer: the verdict is then taken as it is.
        Of a task that may run at the same time there is no answer: False, and a mark as partial.
        """
        if task not in self._view.specs:
            nearest = did_you_mean(task, self._view.specs)
            self.add_log(f"ctx.succeeded({task!r}): no task has this name{nearest}")
        if task in (self._view.beside or ()):
            self.mark_partial(f"task {task!r} may run at the same time: name it in depends_on")
        self._handled.add(task)
        self._reads[task] = None
        result = self._view.results.get(task)
        return result is not None and result.succeeded

    def add_log(self, line: object) -> None:
        """Add a line to the task's logs."""
        self._logs.add(line)

    def add_error(self, error: object) -> None:
        """Add an error to the task's errors; the task goes on and may still succeed.

        When the error means that data is missing, call `mark_partial` as well.
        """
        self._errors.add(error)

    def mark_partial(self, reason: str) -> None:
        """Say that this task's data is incomplete and why.

        A pass that rests on it, here or in a task that reads it, becomes unknown.
        """
        self._partial[clean_text(str(reason), 1000)] = None

    def seconds_left(self) -> float | None:
        """Return how long this task may still take; None where it has no deadline."""
        return seconds_left(self._deadline)

    @property
    def logger(self) -> "Logger":
        """A logger whose lines, from INFO on, or all of them, go to the task's logs."""
        return self._tools().logger

    @property
    def cache(self) -> "Cache":
        """What this integration has in the cache that its job's tasks share."""
        return self._tools().cache

    def http(self, base_url: str, **settings: "Unpack[ClientSettings]") -> "HTTPClient":
        """Return a client of one API: see `utils.http`. It logs to the task's logs.

        With `pace` its requests share a token bucket with all that use the same credential.
        """
        return self._tools().http(base_url, **settings)

    def progress(self, done: float, total: float | None = None) -> None:
        """Show how far the task is while it runs: soon at first, then every 30 s, and its end."""
        self._tools().progress(done, total)

    def note_begin(self) -> None:
        """Note that the task runs, in this thread: its deadline holds in others too."""
        self._deadline = current_deadline()

    def note_dependency(self, task: str) -> None:
        """Count a task in `depends_on` as read; it has succeeded."""
        self._reads[task] = None
        self._note_partial(self._view.results[task])

    def evidence(self) -> Evidence:
        """Return what the verdict rests on."""
        unhandled = [name for name in self._failed_reads if name not in self._handled]
        return Evidence(tuple(self._partial), tuple(unhandled))

    def reads(self) -> list[str]:
        """Return the tasks whose outcome was asked for."""
        return list(self._reads)

    def noted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the errors and the logs so far."""
        return self._errors.kept(), self._logs.kept()

    def _tools(self) -> "TaskTools":
        if self._own_tools is None:
            from utils.task_tools import make_tools  # noqa: PLC0415 - only for tasks that use them

            self._own_tools = make_tools(self._name, self._view, self.add_log, self._deadline)
        return self._own_tools

    def _read(self, task: str) -> TaskResult:
        self._reads[task] = None
        result = self._view.results.get(task)
        if result is None or not result.succeeded:
            self._failed_reads[task] = None
            raise UpstreamFailed(*self._why_unreadable(task, result))
        self._note_partial(result)
        return result

    def _note_partial(self, result: TaskResult) -> None:
        if result.partial:
            self._partial[f"task {result.name!r} is partial: {result.partial[0]}"] = None

    def _why_unreadable(self, task: str, result: TaskResult | None) -> tuple[str, str]:
        if result is not None:
            return (
                f"task {task!r} did not succeed ({result.status}): {result.reason}",
                f"fix {task!r}, or ask ctx.succeeded({task!r}) before reading it",
            )
        if task == self._name:
            return f"task {task!r} reads itself", "read the data of another task"
        if task in (self._view.beside or ()):
            return (
                f"task {task!r} may run at the same time as {self._name!r}",
                f"name it in depends_on of {self._name!r}, or give that a higher order",
            )
        spec = self._view.specs.get(task)
        if spec is None:
            nearest = did_you_mean(str(task), self._view.specs)
            return f"no task is named {task!r}{nearest}", "correct the name"
        if not spec.enabled:
            return f"task {task!r} is disabled", "enable it in its @task, or do not read it"
        return (
            f"task {task!r} has not run before {self._name!r}",
            f"tasks run by phase, order and name: give {self._name!r} a higher order",
        )
