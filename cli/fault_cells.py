"""What became of one fault: a verdict on a task that was run with an exchange spoiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

GOT_THROUGH = "↻"


class Became(StrEnum):
    """What a fault became."""

    FAILED = "failed"  # the task says so
    PARTIAL = "partial"  # it succeeded, and says that data is missing
    UNKNOWN = "unknown"  # an insight that could not tell
    QUIET = "QUIET"  # a plain success: a defect


@dataclass(frozen=True)
class Cell:
    """One fault on one exchange."""

    became: Became
    detail: str = ""
    got_through: bool = False  # where the fault lasts for one request, a retry gets the data

    @property
    def shown(self) -> str:
        """What the matrix shows."""
        told = f"{self.became} ({self.detail})" if self.detail else str(self.became)
        return f"{told} {GOT_THROUGH}" if self.got_through else told


@dataclass(frozen=True)
class Played:
    """How a run ended, by task; `reads` says which tasks each has asked about."""

    results: Mapping[str, Mapping[str, Any]]
    reads: Mapping[str, Sequence[str]]


def cell_of(task: str, good: Played, spoiled: Played) -> Cell:
    """Judge a run in which an exchange of `task` never happened as recorded."""
    cell = _of_the_task(task, spoiled)
    if cell.became is not Became.QUIET:
        passing = _passing_below(task, good, spoiled)
        if passing:
            return Cell(Became.QUIET, f"{passing[0]} passes all the same")
    return cell


def resting_on(task: str, *runs: Played) -> set[str]:
    """Return a task and those that have asked about it, or about one of these."""
    resting = {task}
    reads = [item for run in runs for item in run.reads.items()]
    while more := {name for name, read in reads if name not in resting and resting & set(read)}:
        resting |= more
    return resting


def is_as_good(task: str, good: Played, other: Played) -> bool:
    """Tell whether a task found the same, and says of it what it said then."""
    return _found(good.results.get(task)) == _found(other.results.get(task)) is not None


def _of_the_task(task: str, spoiled: Played) -> Cell:
    result = spoiled.results.get(task)
    if result is None:  # StageOne: without it nothing is run
        done = [one for one in spoiled.results.values() if one["status"] == "success"]
        return Cell(Became.QUIET, "StageOne goes on") if done else Cell(Became.FAILED, "StageOne")
    if result["status"] != "success":
        cause = (result.get("cause") or {}).get("kind") or ""
        return Cell(Became.FAILED, "timeout" if result["status"] == "timeout" else cause)
    if result["verdict"] == "unknown":
        return Cell(Became.UNKNOWN)
    return Cell(Became.PARTIAL if result["partial"] else Became.QUIET)


def _passing_below(task: str, good: Played, spoiled: Played) -> list[str]:
    """Return the insights that rest on the task, and pass."""
    resting = resting_on(task, good, spoiled)
    return sorted(
        name
        for name, result in spoiled.results.items()
        if name in resting and name != task and result["verdict"] == "pass"
    )


def _found(result: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    if result is None or result["status"] != "success":
        return None
    large = (result.get("large_data") or {}).get("sha256")
    told = tuple(result["partial"])
    return result["data"], result["verdict"], result["resources"], large, told
