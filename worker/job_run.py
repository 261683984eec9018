"""One leased job on this worker: what it runs, what it reports, how it ends whatever happens."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from utils.correlation import Correlation
from utils.errors import TruelineError
from utils.notes import Note
from worker.api_answers import Grant
from worker.current_catalogue import CurrentCatalogue
from worker.execution import Executor
from worker.isolation import Isolation
from worker.job_order import JobOrder
from worker.lease import Lease
from worker.outbox import LAST_EVENT, Outbox
from worker.outbox_file import OutboxError
from worker.secret_references import SecretReferences, Unresolved
from worker.stop_signal import StopSignal

KINDS = frozenset({"scan"})

log = structlog.get_logger()


@dataclass(frozen=True)
class WorkerIdentity:
    """Who runs a job, how far apart from others, and of which integrations it keeps DEBUG lines."""

    name: str
    isolation: Isolation
    keeps_debug: Callable[[str], bool] = lambda _integration: False


class JobReports:
    """Puts one attempt's events into the outbox; the first that finds no room stops the job.

    Only the last event is waited for: what stands in the outbox survives this process. A moment
    later it is on disk, unless the API has it by then.
    """

    def __init__(self, outbox: Outbox, lease: Lease, stop: StopSignal) -> None:
        self._outbox = outbox
        self._lease = lease
        self._stop = stop
        self._written: Future[Any] | None = None
        self.failure: TruelineError | None = None
        self.last: Mapping[str, Any] | None = None

    def emit(self, event: Mapping[str, Any]) -> None:
        """Take one event; after a failure nothing more is taken."""
        if self.failure is not None:
            return
        try:
            if self._written is not None and self._written.done():
                self._written.result()
            self._written = self._outbox.put(self._lease, event)
            if event["type"] == LAST_EVENT:
                self._written.result()
                self.last = event
        except OutboxError as error:
            self.failure = error
            self._stop.request("interrupted")

    def fail(self, error: TruelineError) -> None:
        """Report, ahead of every limit, that the job could not be carried out."""
        if self.last is not None:
            return
        event: dict[str, Any] = {
            "type": LAST_EVENT,
            "status": "failed",
            "error": Note.of(error).as_json(),
        }
        if isinstance(error, Unresolved) and error.cause is not None:
            event["cause"] = {"kind": error.cause.value, "retry_after": None}
        self._outbox.put(self._lease, event, reserve=True).result()
        self.last = event


class JobRunner:
    """Runs leased jobs; `freshen` waits for the commit that a job should not miss."""

    def __init__(
        self,
        current: CurrentCatalogue,
        freshen: Callable[[str, str | None], None],
        executor: Executor,
        outbox: Outbox,
        identity: WorkerIdentity,
        references: SecretReferences,
    ) -> None:
        self._current = current
        self._freshen = freshen
        self._executor = executor
        self._outbox = outbox
        self._identity = identity
        self._references = references

    def run(self, grant: Grant, stop: StopSignal) -> str:
        """Carry out one attempt; return the status that it ended with."""
        related = Correlation(grant.request_id, grant.traceparent)
        with structlog.contextvars.bound_contextvars(job_id=grant.job_id, **related.for_logs()):
            return self._attempt(grant, stop)

    def _attempt(self, grant: Grant, stop: StopSignal) -> str:
        reports = JobReports(self._outbox, grant.lease, stop)
        log.info("job started", integration=grant.integration)
        try:
            status = self._run(grant, reports, stop)
        except Unresolved as error:
            status = _end_stopped(reports, stop) or self._fail(reports, error)
        except TruelineError as error:
            status = self._fail(reports, error)
        except Exception as error:
            log.exception("job crashed")
            what = f"the worker itself failed: {type(error).__name__}"
            status = self._fail(reports, TruelineError(what, "see the worker's log"))
        else:
            if reports.failure is not None:
                status = self._fail(reports, reports.failure)
        finally:
            self._outbox.forget(grant.lease)
        log.info("job ended", status=status)
        return status

    def _run(self, grant: Grant, reports: JobReports, stop: StopSignal) -> str:
        if grant.kind not in KINDS:
            raise TruelineError(
                f"this worker cannot run jobs of kind {grant.kind!r}", "update the worker"
            )
        self._freshen(grant.integration, grant.commit_wanted)
        self._say_when_old(grant)
        with self._current.hold(grant.integration) as prepared:
            reports.emit(
                {
                    "type": "started",
                    "commit": prepared.commit,
                    "environment": prepared.environment.key,
                    "isolation": str(self._identity.isolation),
                    "worker": self._identity.name,
                }
            )
            order = self._order(grant, stop)
            return str(self._executor.run(order, prepared, reports.emit, stop).status)

    def _order(self, grant: Grant, stop: StopSignal) -> JobOrder:
        config = self._references.resolve(grant.integration, grant.config, grant.references, stop)
        return JobOrder(
            job_id=grant.job_id,
            attempt=grant.attempt,
            integration=grant.integration,
            config=config,
            secrets=(*grant.secrets, *grant.references),
            request_id=grant.request_id or "",
            traceparent=grant.traceparent or "",
            debug=self._identity.keeps_debug(grant.integration),
        )

    def _say_when_old(self, grant: Grant) -> None:
        offer = self._current.get().offers.get(grant.integration)
        if offer is None or offer.good is None or offer.problem is None:
            return
        log.warning(
            "job runs the last good commit",
            integration=grant.integration,
            commit=offer.good.prepared.commit,
            reason=offer.problem.reason,
            advice=offer.problem.advice,
        )

    def _fail(self, reports: JobReports, error: TruelineError) -> str:
        with suppress(OutboxError):  # then the lease ends and the job is given out again
            reports.fail(error)
        log.warning("job failed", reason=error.reason, advice=error.advice)
        return "failed"


def _end_stopped(reports: JobReports, stop: StopSignal) -> str | None:
    """End a job that was stopped while it waited for its secrets."""
    if stop.reason == "cancelled":
        reports.emit({"type": LAST_EVENT, "status": "cancelled", "error": None})
    return stop.reason
