"""Runs an integration's own tests in a child process of an environment that has pytest."""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass

from worker.child_command import tests_spec
from worker.child_ends import Cause, ChildEnd
from worker.child_events import Oversize, OwnTestsEnded, read_tests_event
from worker.child_pump import ChildPump
from worker.child_starts import ChildStarts
from worker.errors import WorkerError
from worker.job_directories import JobDirectory
from worker.job_order import Prepared
from worker.launcher import Exit

LINE_LIMIT_BYTES = 8 * 1024 * 1024
KILLED_SECONDS = 20.0


class OwnTestsLost(WorkerError):  # noqa: N818 - reads as what happened
    """The child ended before it told how the tests went."""


@dataclass(frozen=True)
class Printed:
    """Takes what the tests print; nothing of it is kept."""

    tell: Callable[[bytes], None]
    is_full: bool = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.tell(chunk)


def run_own_tests(
    starts: ChildStarts,
    prepared: Prepared,
    directory: JobDirectory,
    arguments: tuple[str, ...],
    tell: Callable[[bytes], None],
) -> OwnTestsEnded:
    """Run them to their end; raises OwnTestsLost when the child does not tell of one."""
    limits = starts.limits
    spec = tests_spec(prepared, directory, limits, arguments)
    running = starts.start_fresh(prepared, directory, spec)
    sink = Printed(tell)
    deadline = time.monotonic() + limits.job_timeout_seconds
    answer = None
    with closing(ChildPump(running, LINE_LIMIT_BYTES, (sink, sink), None)) as pump:
        while pump.exit is None and (left := deadline - time.monotonic()) > 0:
            answer = _last_answer(pump.turn(left)) or answer
        cause = Cause.JOB_DEADLINE if pump.exit is None else Cause.EXITED
        running.kill()
        deadline = time.monotonic() + KILLED_SECONDS
        while pump.exit is None and (left := deadline - time.monotonic()) > 0:
            answer = _last_answer(pump.turn(left)) or answer
        end = ChildEnd(cause, pump.exit or Exit(None, None), limits.job_timeout_seconds)
    if answer is None:
        why = end.reason(limits, "before its tests had ended")
        raise OwnTestsLost(
            f"the tests of {prepared.integration!r}: their process: {why}",
            "see what they printed",
        )
    return answer


def _last_answer(lines: Iterable[bytes | Oversize]) -> OwnTestsEnded | None:
    answer = None
    for line in lines:
        if not isinstance(line, Oversize):
            answer = read_tests_event(line) or answer
    return answer
