"""What is known of a job's tasks: which are reported, what stands in for the rest, the status."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from worker.child_events import PlannedTask, StageOneEnded, TaskResult


class Phase(StrEnum):
    """Where a child is."""

    LOADING = "loading"  # imports the integration, registers its tasks
    STAGE_ONE = "stage_one"
    BETWEEN = "between"  # no task runs: before the next one, or after the last
    TASK = "task"  # one or more run
    ENDING = "ending"  # every task is reported, the process is not gone


@dataclass
class TaskLedger:
    """One job's tasks over all of its children; it decides nothing by the clock."""

    plan: dict[str, PlannedTask] | None = None
    statuses: dict[str, str] = field(default_factory=dict)
    stage_one: str | None = None  # how it ended first
    running: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()  # ran side by side when a child was lost: each now runs alone
    most_running: int = 1
    phase: Phase = Phase.LOADING
    reported_by_child: int = 0  # results since this child began: none means that it got nowhere

    def begin_child(self) -> None:
        """Note that another child starts from the beginning."""
        self.phase, self.running, self.reported_by_child = Phase.LOADING, (), 0

    def take_plan(self, tasks: Iterable[PlannedTask], most_running: int = 1) -> bool:
        """Note the plan; the first one holds for the job. False when it came out of turn."""
        if self.phase is not Phase.LOADING:
            return False
        if self.plan is None:
            self.plan = {task.name: task for task in tasks}
            self.most_running = most_running
        self.phase = Phase.STAGE_ONE
        return True

    def break_off(self) -> bool:
        """Note that the child will report no task. False when it came out of turn."""
        if self.phase is not Phase.LOADING:
            return False
        self.phase = Phase.ENDING
        return True

    def end_stage_one(self, event: StageOneEnded) -> bool:
        """Note StageOne's end. False when it came out of turn."""
        if self.phase is not Phase.STAGE_ONE:
            return False
        self.stage_one = self.stage_one or event.status
        self._settle()
        return True

    def start(self, name: str) -> bool:
        """Note that a task begins. False when it is none of the plan's, or out of turn."""
        if self.phase not in {Phase.BETWEEN, Phase.TASK} or name not in self._open():
            return False
        if name in self.running or len(self.running) >= self.most_running:
            return False
        self.running += (name,)
        self._settle()
        return True

    def may_finish(self, result: TaskResult) -> bool:
        """Whether a result is one of a task that runs."""
        return result.name in self.running and self._fits(result)

    def finish(self, result: TaskResult) -> bool:
        """Note a result. False when the plan lacks that task, or it was reported before."""
        if self.phase not in {Phase.BETWEEN, Phase.TASK} or not self._fits(result):
            return False
        self._note(result.name, result.status)
        return True

    def stand_in(
        self, name: str, status: str, reason: str, duration_seconds: float = 0.0
    ) -> dict[str, Any]:
        """Note and return a result for a task that its child did not report."""
        task = (self.plan or {})[name]
        self._note(name, status)
        return {
            "name": task.name,
            "title": task.title,
            "type": task.type,
            "status": status,
            "verdict": "unknown" if task.type == "insight" else None,
            "severity": task.severity,
            "message": None,
            "data": None,
            "resources": None,
            "errors": None if status == "skipped" else [reason],
            "logs": [],
            "duration_seconds": duration_seconds,
            "reason": reason,
            "partial": [],
            "cause": None,
        }

    def suspect(self) -> bool:
        """Note that the child was lost with its running tasks, and nobody can say to which of them.

        False where that can be said: one ran, or those that did had been told to run alone.
        """
        if len(self.running) < 2 or set(self.running) <= set(self.suspects):
            return False
        self.suspects += tuple(name for name in self.running if name not in self.suspects)
        return True

    def remaining(self) -> list[str]:
        """Return the tasks without a result, in their order."""
        return list(self._open())

    def done(self) -> list[str]:
        """Return the tasks with a result."""
        return list(self.statuses)

    def status(self) -> Literal["success", "partial", "failed"]:
        """Return the job's status by its results."""
        if self.plan is None or self.stage_one != "success":
            return "failed"
        succeeded = sum(status == "success" for status in self.statuses.values())
        if succeeded == len(self.plan):
            return "success"
        return "partial" if succeeded else "failed"

    def counts(self) -> str:
        """Say how the tasks ended: `2 failed, 1 skipped`."""
        by_status: dict[str, int] = {}
        for status in self.statuses.values():
            by_status[status] = by_status.get(status, 0) + 1
        return ", ".join(f"{count} {status}" for status, count in sorted(by_status.items()))

    def _open(self) -> Mapping[str, PlannedTask]:
        plan = self.plan or {}
        return {name: task for name, task in plan.items() if name not in self.statuses}

    def _fits(self, result: TaskResult) -> bool:
        task = self._open().get(result.name)
        return task is not None and task.type == result.type

    def _note(self, name: str, status: str) -> None:
        self.statuses[name] = status
        self.reported_by_child += 1
        self.running = tuple(other for other in self.running if other != name)
        if self.phase in {Phase.TASK, Phase.BETWEEN}:
            self._settle()

    def _settle(self) -> None:
        if self.running:
            self.phase = Phase.TASK
        else:
            self.phase = Phase.BETWEEN if self._open() else Phase.ENDING
