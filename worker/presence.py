"""Tells the API again and again that this worker lives, and how it is."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from utils import __version__
from utils.checks import Checks
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.errors import WorkerError
from worker.outbox import Depth

log = structlog.get_logger()


@dataclass(frozen=True)
class Identity:
    """What does not change while a worker runs."""

    isolation: str
    egress: str
    concurrency: int


class Presence:
    """One worker's reports; one that does not arrive is said once, and the next one follows."""

    def __init__(
        self,
        send: Callable[[Mapping[str, Any]], None],
        identity: Identity,
        checks: Checks,
        jobs_running: Callable[[], int],
        depth: Callable[[], Depth],
    ) -> None:
        self._send = send
        self._identity = identity
        self._checks = checks
        self._jobs_running = jobs_running
        self._depth = depth
        self._started_at = datetime.now(UTC)
        self._failure: WorkerError | None = None
        self._is_known = False
        checks.add("API", self._check_api)

    def tell(self, state: str = "running") -> None:
        """Report now."""
        try:
            self._send(self._report(state))
        except (ApiUnavailable, ApiRefused) as error:
            if self._failure is None:
                log.warning("presence not told", reason=error.reason, advice=error.advice)
            self._failure = error
        else:
            self._failure, self._is_known = None, True

    def tell_end(self) -> None:
        """Say that this worker ends, unless that cannot arrive or nobody there knows of it."""
        if self._is_known and self._failure is None:
            self.tell("stopped")

    def _check_api(self) -> None:
        """Fail with what kept the last report from arriving."""
        if self._failure is not None:
            raise self._failure

    def _report(self, state: str) -> dict[str, Any]:
        depth = self._depth()
        checks = () if state == "stopped" else self._checks.run()
        return {
            "version": __version__,
            **asdict(self._identity),
            "state": state,
            "started_at": self._started_at.isoformat(),
            "jobs_running": self._jobs_running(),
            "outbox_events": depth.events,
            "outbox_bytes": depth.size_bytes,
            "outbox_oldest_seconds": depth.oldest_seconds,
            "checks": [check.as_json() for check in checks],
        }
