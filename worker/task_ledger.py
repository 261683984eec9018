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
    TASK = "task"
    ENDING = "ending"  # every task is reported, the process is not gone


@dataclass
class TaskLedger:
    """One job's tasks over all of its children; it decides nothing by the clock."""

    plan: dict[str, PlannedTask] | None = None
    statuses: dict[str, str] = field(default_factory=dict)
    stage_one: str | None = None  # how it ended first
    running: str | None = None
    phase: Phase = Phase.LOADING
    reported_by_child: int = 0  # results since this child began: none means that it got nowhere

    def begin_child(self) -> None:
        """Note that another child starts from the beginning."""
        self.phase, self.running, self.reported_by_child = Phase.LOADING, None, 0

    def take_plan(self, tasks: Iterable[PlannedTask]) -> bool:
        """Note the plan; the first one holds for the job. False when it came out of turn."""
        if self.phase is not Phase.LOADING:
            return False
        if self.plan is None:
            self.plan = {task.name: task for task in tasks}
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
        self._leave_task()
        return True

    def start(self, name: str) -> bool:
        """Note that a task begins. False when it is none of the plan's, or out of turn."""
        if self.phase is not Phase.BETWEEN or name not in self._open():
            return False
        self.running, self.phase = name, Phase.TASK
        return True

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
        }

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
        if self.phase in {Phase.TASK, Phase.BETWEEN} and self.running in {name, None}:
            self._leave_task()

    def _leave_task(self) -> None:
        self.running = None
        self.phase = Phase.BETWEEN if self.remaining() else Phase.ENDING
