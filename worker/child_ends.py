"""How a child ended, in words that say what to do."""

import re
import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.job_order import Limits
from worker.launcher import Exit

_MEMORY_ERROR = re.compile(r"^(\w+\.)*MemoryError\b", re.MULTILINE)


class Cause(StrEnum):
    """Why a child is no more."""

    EXITED = "exited"  # by itself
    PHASE_DEADLINE = "phase_deadline"  # its task or another step overran, and was killed
    JOB_DEADLINE = "job_deadline"  # the job overran, and was killed
    FLOODED = "flooded"  # it wrote nonsense on its event channel without end, and was killed
    STOPPED = "stopped"  # the job was cancelled or interrupted, and was killed


@dataclass(frozen=True)
class ChildEnd:
    """One child's end; `seconds` is how long its last phase took."""

    cause: Cause
    exit: Exit
    seconds: float

    @property
    def status(self) -> str:
        """The status of the task that ran at that moment."""
        return "failed" if self.cause in {Cause.EXITED, Cause.FLOODED} else "timeout"

    def reason(self, limits: Limits, before: str) -> str:
        """Say how it ended; `before` says what it had still to do: `before the task reported`."""
        if self.cause is Cause.JOB_DEADLINE:
            return f"the job reached its deadline of {limits.job_timeout_seconds:g} s"
        if self.cause is Cause.PHASE_DEADLINE:
            return (
                f"it did not stop at its deadline of {limits.task_timeout_seconds:g} s "
                "and was killed"
            )
        if self.cause is Cause.FLOODED:
            return "it wrote too many lines on the event channel that are no events, and was killed"
        return how_it_ended(self.exit, limits, before)


def how_it_ended(end: Exit, limits: Limits, before: str) -> str:
    """Return `killed by signal SIGSEGV (11)`, or `exited with code 0 before ...`."""
    if end.code is not None:
        return f"exited with code {end.code} {before}"
    if end.signal is None:
        return f"its process was lost {before}: the process that watches it was killed"
    reason = f"killed by signal {_signal_name(end.signal)} ({end.signal}) {before}"
    if end.signal == signal.SIGKILL:
        reason += f"; this machine may be short of memory ({_memory_limit(limits)})"
    return reason


def with_memory_limit(result: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Return a task's result; where it ran out of memory its reason names the limit."""
    texts = [result["reason"] or "", *(result["errors"] or ())]
    if result["status"] != "failed" or not any(map(_MEMORY_ERROR.search, texts)):
        return result
    reason = result["reason"] or "MemoryError"
    return result | {"reason": f"{reason} ({_memory_limit(limits)})"}


def _memory_limit(limits: Limits) -> str:
    return f"the limit of each process is {limits.memory_limit_mb} MiB: TRUELINE_MEMORY_LIMIT_MB"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of real time"
