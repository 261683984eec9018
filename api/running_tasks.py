"""Which tasks of a job run now, and how far they say they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from api.jobs import Job
from api.tables import events

MOST_EVENTS = 1000
_TYPES = ("task_started", "progress", "task_finished")


@dataclass(frozen=True)
class RunningTask:
    """A task that has begun and has not ended."""

    name: str
    done: float | None = None  # None: it has said nothing
    total: float | None = None

    @property
    def shown(self) -> str:
        """How far it is, for people."""
        if self.done is None:
            return ""
        if not self.total:
            return f"{self.done:,.10g}"
        return f"{self.done:,.10g} of {self.total:,.10g} ({100 * self.done / self.total:.0f} %)"


def read_running_tasks(connection: Connection, job: Job) -> list[RunningTask]:
    """Read the running tasks of a job's present attempt, in the order in which they began."""
    if job.ended:
        return []
    newest_first = (
        select(events.c.type, events.c.payload)
        .where(
            events.c.job_id == job.id,
            events.c.attempt == job.attempt,
            events.c.type.in_(_TYPES),
        )
        .order_by(events.c.seq.desc())
        .limit(MOST_EVENTS)
    )
    found = [(row.type, row.payload) for row in connection.execute(newest_first)]
    return running_tasks(reversed(found))


def running_tasks(told: Iterable[tuple[str, Mapping[str, Any]]]) -> list[RunningTask]:
    """Return what runs after events, given as type and payload in their order."""
    running: dict[str, RunningTask] = {}
    for type_, payload in told:
        match type_:
            case "task_started":
                running[payload["task"]] = RunningTask(payload["task"])
            case "progress":
                task = payload["task"]
                running[task] = RunningTask(task, payload["done"], payload["total"])
            case "task_finished":
                running.pop(payload["result"]["name"], None)
    return list(running.values())
