"""The two ways in which the API does not do what a worker asks: it is away, or it refuses."""

from collections.abc import Mapping
from typing import Any

from worker.errors import WorkerError


class ApiUnavailable(WorkerError):  # noqa: N818 - reads as the state it reports
    """The API could not answer; the same request may go well later.

    `leases_last` says that no lease is given away before one more period: nobody listens there,
    or the API says that its database is away.
    """

    def __init__(
        self,
        reason: str,
        advice: str,
        *,
        leases_last: bool = False,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(reason, advice)
        self.leases_last = leases_last
        self.retry_after_seconds = retry_after_seconds


class ApiRefused(WorkerError):  # noqa: N818 - reads as the state it reports
    """The API answered that it will not do this; `problem` is its whole answer."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        reason = str(problem.get("detail") or problem.get("title") or f"status {status}")
        super().__init__(f"the API refused ({status}): {reason}", str(problem.get("advice") or ""))
        self.status = status
        self.problem = problem
