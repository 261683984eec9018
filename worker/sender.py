"""Sends what stands in the outbox until the API has confirmed it, across every outage."""

import threading
from collections.abc import Callable, Sequence

import structlog

from worker.api_answers import Outcomes
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.backoff import Backoff
from worker.errors import WorkerError
from worker.held_leases import HeldLeases
from worker.outbox import LAST_EVENT, Outbox
from worker.reports import Report, encode, reports_of
from worker.uploads import Uploads

GATHER_SECONDS = 0.05  # events of a moment share a request; a job's last event does not wait
COMPANY_SECONDS = 0.01  # so long an ending waits for those of other jobs, where there are any
MOST_EVENTS = 500
MOST_BYTES = 1024 * 1024  # a single larger event goes alone
UNUSABLE = frozenset({400, 413, 422})  # the events are at fault, sending again cannot help
LOOK_SECONDS = 5.0
HELD_BACK_SECONDS = 0.2  # where every event waits for a file that is being sent

log = structlog.get_logger()


class Sender:
    """One thread; what the API refuses for good is dropped and its job stopped."""

    def __init__(
        self,
        outbox: Outbox,
        send: Callable[[bytes], Outcomes],
        held: HeldLeases,
        backoff: Backoff,
        uploads: Uploads,
    ) -> None:
        self._outbox = outbox
        self._send_batch = send
        self._held = held
        self._backoff = backoff
        self._uploads = uploads
        self._away = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._uploads.start()
        self._thread.start()

    def stop(self) -> None:
        """End; what is unsent stays on disk for the next start."""
        self._stop.set()
        self._outbox.wake()
        self._uploads.stop()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._outbox.wait_for_events(self._stop, LOOK_SECONDS):
                self._outbox.wait_for_ending(GATHER_SECONDS)
                if len(self._held.good()) > 1:
                    self._stop.wait(COMPANY_SECONDS)
                self._stop.wait(self._send_some())

    def _send_some(self) -> float:
        """Send one batch; return how long to wait before the next."""
        try:
            without = self._uploads.waiting()
            events = self._uploads.ready(self._outbox.take(MOST_EVENTS, MOST_BYTES, without))
            if events:
                self._send(reports_of(events))
            else:
                self._outbox.wait_for_change(HELD_BACK_SECONDS)
        except (ApiUnavailable, ApiRefused) as error:
            after = error.retry_after_seconds if isinstance(error, ApiUnavailable) else 0.0
            self._say_away(error)
            return self._backoff.next(after)
        except WorkerError as error:  # the outbox: its disk may be full
            log.warning("outbox cannot be emptied", reason=error.reason, advice=error.advice)
            return self._backoff.next()
        self._say_back()
        return 0.0

    def _send(self, reports: Sequence[Report]) -> bool:
        """Send one batch; False when it ended a lease, whose other events are dropped then."""
        try:
            answer = self._send_batch(encode(reports))
        except ApiRefused as error:
            if error.status not in UNUSABLE:
                raise
            return self._isolate(reports, error)
        return self._settle(reports, answer)

    def _isolate(self, reports: Sequence[Report], error: ApiRefused) -> bool:
        """Send in smaller parts, so that one event that cannot be taken spoils its job alone."""
        if len(reports) > 1:
            go_on = [self._send([report]) for report in reports]  # every one of them
            return all(go_on)
        if len(reports[0].events) > 1:
            return all(self._send([half]) for half in reports[0].halves())
        self._give_up(reports[0], error)
        return False

    def _give_up(self, report: Report, error: ApiRefused) -> None:
        log.error(
            "report refused",
            job_id=report.lease.job_id,
            seq=report.last_seq,
            reason=error.reason,
            advice=error.advice,
        )
        self._held.lose(report.lease)
        if report.events[0].type == LAST_EVENT:
            self._outbox.drop(report.lease)
            self._uploads.forget(report.lease)
            return
        reason = f"the API could not record one of its events: {error.reason}"
        advice = error.advice or "see the logs of the API and the worker"
        self._outbox.replace(
            report.lease,
            report.last_seq,
            {
                "type": LAST_EVENT,
                "status": "failed",
                "error": {"reason": reason, "advice": advice},
            },
        )

    def _settle(self, reports: Sequence[Report], answer: Outcomes) -> bool:
        self._held.cancel(answer.cancelled)
        outcomes = {(outcome.job_id, outcome.attempt): outcome for outcome in answer.outcomes}
        recorded: list[tuple[Report, int]] = []
        refused = 0
        for report in reports:
            outcome = outcomes.get((report.lease.job_id, report.lease.attempt))
            if outcome is None:
                continue
            on_record = outcome.last_seq or 0
            if on_record >= report.events[0].seq:
                recorded.append((report, on_record))
            elif outcome.status == "refused":
                self._drop(report, outcome.reason)
                refused += 1
        if recorded:
            self._outbox.confirm(
                (report.lease, min(report.last_seq, on_record)) for report, on_record in recorded
            )
            for report, on_record in recorded:
                self._clear(report, on_record)
        elif not refused:
            raise ApiUnavailable(
                "the API took a batch of reports and recorded none of it",
                "check that API and worker have the same version",
            )
        return not refused

    def _clear(self, report: Report, on_record: int) -> None:
        """Remove the files of what is on record."""
        recorded = [event for event in report.events if event.seq <= on_record]
        if recorded[-1].type == LAST_EVENT:
            self._uploads.forget(report.lease)
        else:
            self._uploads.settle(recorded)

    def _drop(self, report: Report, reason: str | None) -> None:
        self._held.lose(report.lease)
        events = self._outbox.drop(report.lease)
        self._uploads.forget(report.lease)
        log.warning(
            "report dropped",
            job_id=report.lease.job_id,
            attempt=report.lease.attempt,
            events=events,
            reason=reason or "the lease was lost",
            advice="nothing to do: the attempt that the API recognises reports for the job",
        )

    def _say_away(self, error: WorkerError) -> None:
        if not self._away:
            depth = self._outbox.depth()
            log.warning(
                "reports wait",
                reason=error.reason,
                advice=error.advice,
                events=depth.events,
                size_bytes=depth.size_bytes,
            )
        self._away = True

    def _say_back(self) -> None:
        self._backoff.reset()
        if self._away:
            log.info("reports go through again")
        self._away = False
