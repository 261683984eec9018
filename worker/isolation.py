"""Which isolation level jobs get here."""

from enum import StrEnum

from worker.errors import WorkerError


class Isolation(StrEnum):
    """How far a job is kept apart from the worker and from other jobs."""

    PROCESS = "process"  # same user, own session, scrubbed variables, resource limits
    SANDBOX = "sandbox"  # namespaces of its own, a read-only system


class IsolationMissing(WorkerError):  # noqa: N818 - reads as the state it reports
    """The level that was asked for does not work here."""


def choose_isolation(asked: str) -> Isolation:
    """Return the level to use; an empty `asked` means the best that works here.

    A level that was asked for is never replaced by a weaker one.
    """
    if asked == Isolation.SANDBOX:
        raise IsolationMissing(
            "isolation 'sandbox' was asked for and this version has only 'process'",
            "unset TRUELINE_ISOLATION or set it to 'process', and let only trusted authors push",
        )
    return Isolation.PROCESS
