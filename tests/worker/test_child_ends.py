import pytest

from worker.child_ends import Cause, ChildEnd, how_it_ended
from worker.job_order import Limits
from worker.launcher import Exit

LIMITS = Limits(
    task_timeout_seconds=1.5,
    job_timeout_seconds=60,
    memory_limit_mb=100,
    result_limit_bytes=1024,
    log_limit_bytes=1024,
    cpu_limit_seconds=7,
    disk_limit_mb=8,
)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (Exit(0, None), "exited with code 0 in time"),
        (Exit(None, 11), "killed by signal SIGSEGV (11) in time"),
        (Exit(None, 40), "killed by signal of real time (40) in time"),
        (Exit(None, 9), "memory limit 100 MB"),
        (Exit(None, 24), "SIGXCPU (24) in time; it used up its CPU limit 7 s"),
        (Exit(None, None), "the process that watches it was killed"),
    ],
)
def test_end_is_told_in_words(end: Exit, words: str) -> None:
    assert words in how_it_ended(end, LIMITS, "in time")


@pytest.mark.parametrize(
    ("cause", "status", "words"),
    [
        (Cause.EXITED, "failed", "exited with code 2 before the task reported"),
        (Cause.PHASE_DEADLINE, "timeout", "deadline of 1.5 s"),
        (Cause.FLOODED, "failed", "no events"),
        (Cause.DISK_FULL, "failed", "disk limit 8 MB"),
        (Cause.JOB_DEADLINE, "timeout", "the job reached its deadline of 60 s"),
    ],
)
def test_cause_gives_status_and_reason(cause: Cause, status: str, words: str) -> None:
    end = ChildEnd(cause, Exit(2, None), 1)
    assert end.status == status
    assert words in end.reason(LIMITS, "before the task reported")
