"""Asks an integration for its tasks in a child process, without running any."""

import time
from collections.abc import Iterable
from contextlib import closing

from worker.child_command import describe_spec
from worker.child_ends import Cause, ChildEnd, unlisted
from worker.child_events import Broken, Oversize, Plan, read_event
from worker.child_pump import ChildPump
from worker.child_starts import ChildStarts
from worker.cleaning import without_controls
from worker.job_directories import JobDirectory
from worker.job_order import Description, Prepared
from worker.job_watch import HARD_SECONDS, KILLED_SECONDS
from worker.launcher import Exit, LaunchError, Running
from worker.output import CapturedStream
from worker.redaction import Redactor

LINE_LIMIT_BYTES = 8 * 1024 * 1024
PRINTED_BYTES = 16 * 1024


def describe(starts: ChildStarts, prepared: Prepared, directory: JobDirectory) -> Description:
    """Return the tasks of an integration, or why it is broken.

    It has the time of one task for the answer, and ends itself at that deadline where it can.
    """
    limits = starts.limits
    spec = describe_spec(prepared, directory, limits)
    try:
        running = starts.start_fresh(prepared, directory, spec)
    except LaunchError as error:
        fault = {"reason": error.reason, "advice": error.advice, "traceback": None}
        return Description(broken=fault)
    errors = CapturedStream("stderr", PRINTED_BYTES, Redactor(()))
    output = CapturedStream("stdout", 0, Redactor(()))
    with closing(ChildPump(running, LINE_LIMIT_BYTES, (output, errors), None)) as pump:
        answer, end = _await_answer(running, pump, limits.task_timeout_seconds)
    errors.end_child()
    if answer is not None:
        return answer
    why = end.reason(limits, "before it had listed its tasks")
    printed = "".join(errors.batches(0.0, final=True)) or None
    return unlisted(prepared.integration, why, printed)


def _await_answer(
    running: Running, pump: ChildPump, timeout_seconds: float
) -> tuple[Description | None, ChildEnd]:
    answer = None
    deadline = time.monotonic() + timeout_seconds + HARD_SECONDS
    while answer is None and pump.exit is None and (left := deadline - time.monotonic()) > 0:
        answer = _first_answer(pump.turn(left))
    cause = Cause.PHASE_DEADLINE if pump.exit is None else Cause.EXITED
    running.kill()
    deadline = time.monotonic() + KILLED_SECONDS
    while pump.exit is None and (left := deadline - time.monotonic()) > 0:
        answer = _first_answer(pump.turn(left)) or answer
    return answer, ChildEnd(cause, pump.exit or Exit(None, None), timeout_seconds)


def _first_answer(lines: Iterable[bytes | Oversize]) -> Description | None:
    answers = [answer for line in lines if (answer := _answer(line)) is not None]
    return answers[0] if answers else None


def _answer(line: bytes | Oversize) -> Description | None:
    event = None if isinstance(line, Oversize) else read_event(line)
    if isinstance(event, Plan):
        return Description(tasks=tuple(task.model_dump() for task in event.tasks))
    if isinstance(event, Broken):
        return Description(broken=without_controls(event.error.model_dump()))
    return None
