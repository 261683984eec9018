"""Why an environment could not be built: a cause, the line at fault, the log's tail, the fix."""

from enum import StrEnum

from worker.errors import WorkerError


class BuildCause(StrEnum):
    """What stopped a build, as catalogue, log and pages show it."""

    BAD_REQUIREMENT = "bad requirement"  # a line that requirements.txt may not have
    NOT_FOUND = "not found"  # no such package or version
    CONFLICT = "conflict"  # requirements that no set of versions meets
    NO_WHEEL = "no wheel"  # only source code, and building it is not allowed
    HASH_MISMATCH = "hash mismatch"  # a file is not the one that was locked
    INDEX_UNREACHABLE = "index unreachable"  # the package index did not answer
    DISK_FULL = "disk full"
    TIMEOUT = "timeout"  # the deadline of a build passed
    UNKNOWN = "unknown"  # the log's tail says more


class BuildFailed(WorkerError):  # noqa: N818 - reads as the state it reports
    """The environment of one integration cannot be built; other integrations are untouched.

    `line` is the line of requirements.txt at fault where it can be told; `log_tail` is the end of
    what the tools printed, without control characters and without credentials.
    """

    def __init__(
        self,
        integration: str,
        cause: BuildCause,
        problem: str,
        advice: str,
        *,
        line: int | None = None,
        log_tail: str = "",
    ) -> None:
        place = f"requirements.txt line {line}: " if line else ""
        super().__init__(f"integration {integration!r}: {place}{problem}", advice)
        self.integration = integration
        self.cause = cause
        self.line = line
        self.log_tail = log_tail
