"""How an integration's jobs start, as the catalogue and the heartbeat tell it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class WarmState:
    """Whether jobs are forked from a warm process.

    `ready`: one runs. `idle`: the next job starts one. `unfit`: jobs get fresh interpreters, and
    `reason` says why. `off`: warm starts are switched off, or this system has none.
    """

    name: Literal["ready", "unfit", "off", "idle"]
    reason: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return it as the API has it."""
        return {"state": self.name, "reason": self.reason}


@dataclass(frozen=True)
class WarmStarted:
    """How many children of jobs were forked from a warm process, and how many started afresh."""

    warm: int = 0
    cold: int = 0


@dataclass(frozen=True)
class WarmTotals:
    """How many warm processes there are, and the memory that they took when they were ready.

    `waiting` are the supervisors that wait for a job, each with what becomes its child.
    """

    processes: int
    memory_bytes: int
    waiting: int = 0
