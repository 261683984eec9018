"""What a transaction did that others count, log or send on, told once it has committed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

_KEY = "trueline_facts"


@dataclass(frozen=True)
class JobMoved:
    """A job got another status; `seconds` is how long it ran, where it has ended."""

    job_id: str
    integration: str
    status: str
    attempt: int
    request_id: str | None = None
    traceparent: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class LeaseLost:
    """A worker fell silent with a job."""

    job_id: str
    integration: str
    worker: str | None


@dataclass(frozen=True)
class TaskEnded:
    """A task of a job has a result; `cause` is why it failed, where it did."""

    integration: str
    type: str
    status: str
    seconds: float
    cause: str | None = None


Fact = JobMoved | LeaseLost | TaskEnded
Listener = Callable[[Sequence[Fact]], None]


@dataclass
class Facts:
    """Who hears of what a database's transactions did; they are told after the commit."""

    listeners: list[Listener] = field(default_factory=list)

    def tell(self, facts: Sequence[Fact]) -> None:
        """Tell all of them."""
        for listener in self.listeners if facts else ():
            listener(facts)


def note(connection: Connection, *facts: Fact) -> None:
    """Add to what is told of the transaction under way."""
    connection.info.setdefault(_KEY, []).extend(facts)


def take_facts(connection: Connection) -> Sequence[Fact]:
    """Return what was noted since the last time, and forget it."""
    facts: Sequence[Fact] = connection.info.pop(_KEY, ())
    return facts


def seconds_between(start: datetime | None, end: datetime) -> float | None:
    """Return how long something took that may not have begun."""
    return None if start is None else max((end - start).total_seconds(), 0.0)
