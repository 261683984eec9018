"""How a child ended, in words that say what to do."""

import signal
from dataclasses import dataclass
from enum import StrEnum

from worker.job_order import Description, Limits
from worker.launcher import Exit
from worker.limits import cpu_limit, disk_limit, memory_limit


class Cause(StrEnum):
    """Why a child is no more."""

    EXITED = "exited"  # by itself
    PHASE_DEADLINE = "phase_deadline"  # its task or another step overran, and was killed
    JOB_DEADLINE = "job_deadline"  # the job overran, and was killed
    FLOODED = "flooded"  # it wrote nonsense on its event channel without end, and was killed
    DISK_FULL = "disk_full"  # its files outgrew their limit, and it was killed
    MEMORY_FULL = "memory_full"  # its processes together outgrew their limit, and were killed
    ORPHANED = "orphaned"  # what it was forked from died, and it was ended with that
    STOPPED = "stopped"  # the job was cancelled or interrupted, and was killed


_ITS_FAILURES = {Cause.EXITED, Cause.FLOODED, Cause.DISK_FULL, Cause.MEMORY_FULL}


@dataclass(frozen=True)
class ChildEnd:
    """One child's end; `seconds` is how long its last phase took."""

    cause: Cause
    exit: Exit
    seconds: float

    @property
    def status(self) -> str:
        """The status of the task that ran at that moment."""
        return "failed" if self.cause in _ITS_FAILURES else "timeout"

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
        if self.cause is Cause.DISK_FULL:
            return f"its files outgrew their limit, and it was killed ({disk_limit(limits)})"
        if self.cause is Cause.MEMORY_FULL:
            named = memory_limit(limits)
            return f"its processes together outgrew their limit, and were killed ({named})"
        return how_it_ended(self.exit, limits, before)


def how_it_ended(end: Exit, limits: Limits, before: str) -> str:
    """Return `killed by signal SIGSEGV (11)`, or `exited with code 0 before ...`."""
    if end.code is not None:
        return f"exited with code {end.code} {before}"
    if end.signal is None:
        return f"its process was lost {before}: the process that watches it was killed"
    reason = f"killed by signal {_signal_name(end.signal)} ({end.signal}) {before}"
    if end.signal == signal.SIGKILL:
        reason += f"; this machine may be short of memory ({memory_limit(limits)})"
    if end.signal == signal.SIGXCPU:
        reason += f"; it used up its {cpu_limit(limits)}"
    return reason


def unlisted(integration: str, why: str, printed: str | None = None) -> Description:
    """Describe an integration whose child ended before it had listed its tasks."""
    return Description(
        broken={
            "reason": f"integration '{integration}': its child process: {why}",
            "advice": "look at what the integration's modules do when they are imported; the"
            " worker's log has what they printed",
            "traceback": printed,
        }
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of real time"
