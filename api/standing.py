"""Whether a deployment runs: its state, computed from the user's wish and the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from api.schedules import next_due
from utils.notes import Note


class DeploymentState(StrEnum):
    """Where a deployment stands."""

    ACTIVE = "active"  # it runs on demand and on its schedule
    PAUSED = "paused"  # by the user, or because its integration is disabled
    NEEDS_ATTENTION = "needs_attention"  # its config does not fit, or its credentials were refused


@dataclass(frozen=True)
class Timing:
    """A deployment's schedule, and when it was to be due next, if it was active."""

    schedule: str | None
    timezone: str
    anchor: datetime
    due: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """A deployment's state, what is wrong with it, and when it is due next."""

    state: DeploymentState
    problem: Note | None
    next_due_at: datetime | None

    def columns(self) -> Mapping[str, object]:
        """Return the values of the table's columns."""
        return {
            "state": self.state.value,
            "problem": self.problem.as_json() if self.problem else None,
            "next_due_at": self.next_due_at,
        }


def standing(
    timing: Timing,
    now: datetime,
    *,
    wanted: bool,
    integration_fault: Note | None,
    config_fault: Note | None,
) -> Standing:
    """Compute a deployment's standing; a due time that it has already is kept."""
    problem = integration_fault or config_fault
    if not wanted or integration_fault:
        return Standing(DeploymentState.PAUSED, problem, None)
    if config_fault:
        return Standing(DeploymentState.NEEDS_ATTENTION, problem, None)
    return Standing(DeploymentState.ACTIVE, None, _due(timing, now))


def disabled_note(integration: str) -> Note:
    """Say that a deployment waits for its integration."""
    return Note(
        f"integration {integration!r} is disabled",
        "enable it in integrations.json, push, and POST /init-integrations",
    )


def needy_note(deployment: str, problem: Mapping[str, str]) -> dict[str, str]:
    """Say to who waits for a job why it is not begun while its deployment needs attention."""
    return Note(
        f"not begun, as deployment {deployment!r} needs attention: {problem['reason']}",
        f"{problem['advice']}; then ask for the job again",
    ).as_json()


def _due(timing: Timing, now: datetime) -> datetime | None:
    if timing.schedule is None:
        return None
    return timing.due or next_due(timing.schedule, timing.timezone, now, timing.anchor)
