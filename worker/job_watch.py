"""One job from its first child to its end: its children, its deadlines, its stop."""

import time
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import partial

from utils.notes import Note
from worker.child_command import Resumption, run_spec
from worker.child_ends import Cause, ChildEnd
from worker.child_events import Fault
from worker.child_pump import ChildPump
from worker.child_starts import ChildStarts
from worker.disk_use import used_bytes
from worker.job_directories import JobDirectory
from worker.job_order import JobEnd, JobOrder, Prepared
from worker.job_report import JobReport
from worker.launcher import Exit, LaunchError, Running
from worker.limits import MEGABYTE
from worker.memory import tree_memory_bytes
from worker.phase_clock import PhaseClock
from worker.stop_signal import StopSignal
from worker.task_ledger import Phase
from worker.usage_watch import UsageWatch

HARD_SECONDS = 2.0  # after the deadline that the child keeps by itself
ENDING_SECONDS = 2.0  # for a child that has reported everything
KILLED_SECONDS = 20.0  # for the end of a tree that was killed
LONGEST_WAIT_SECONDS = 60.0
UNENDED_BYTES = 256 * 1024 * 1024  # of one line; a child that the SDK reports for ends it by far
IGNORED_LINES = 10_000  # so much nonsense of one child is read; more costs other jobs their time


class JobWatch:
    """Runs one attempt of one job in the calling thread."""

    def __init__(
        self,
        starts: ChildStarts,
        order: JobOrder,
        prepared: Prepared,
        directory: JobDirectory,
        report: JobReport,
        stop: StopSignal,
    ) -> None:
        self._starts = starts
        self._limits = starts.limits
        self._order = order
        self._prepared = prepared
        self._directory = directory
        self._report = report
        self._stop = stop
        self._job_deadline = time.monotonic() + starts.limits.job_timeout_seconds
        self._clock = PhaseClock()
        self._ignored_before = 0
        self._is_warm = True  # until a warm process died under a child
        report.data.is_over = self._is_over

    def run(self) -> JobEnd:
        """Run children until every task is reported; return the job's end, emitted already."""
        end: JobEnd | None = None
        resumption: Resumption | None = None
        while end is None:
            try:
                child = self._run_child(resumption)
                end = None if self._goes_on(child) else self._conclude(child)
            except LaunchError as error:
                self._report.skip_rest(error.reason)
                end = self._by_results(Note.of(error).as_json())
            ledger = self._report.ledger
            resumption = Resumption(tuple(ledger.done()), ledger.suspects)
        self._report.tell_network(self._starts.passage.end())
        return self._report.end(end)

    def _run_child(self, resumption: Resumption | None) -> ChildEnd:
        report = self._report
        spec = run_spec(self._order, self._prepared, self._directory, self._limits, resumption)
        running = self._starts.start(
            self._prepared, self._directory, spec, self._is_to_end, warm=self._is_warm
        )
        report.ledger.begin_child()
        self._ignored_before = report.ignored
        self._clock = PhaseClock()
        self._note_phase()
        with (
            self._stop.waking() as wake,
            closing(ChildPump(running, report.line_limit_bytes, report.streams, wake)) as pump,
        ):
            cause = self._watch(pump, self._usage(running))
            if cause is Cause.STOPPED:
                report.muted = self._stop.reason == "interrupted"
            running.kill()
            self._clock.stop(time.monotonic())
            seconds = self._clock.seconds()
            self._await_end(pump)
            report.end_child()
            if cause is Cause.EXITED and running.orphaned:
                cause, self._is_warm = Cause.ORPHANED, False
            if cause is Cause.DISK_FULL:
                with suppress(OSError):  # it shows at the next child
                    self._directory.empty()  # the next task shall not fail for the same files
            return ChildEnd(cause, pump.exit or Exit(None, None), seconds)

    def _usage(self, running: Running) -> list[UsageWatch]:
        """Return what looks at the limits that the kernel keeps for single processes at best."""
        limits, directory = self._limits, str(self._directory.path)
        disk_bytes = limits.disk_limit_mb * MEGABYTE
        on_disk = partial(used_bytes, directory, disk_bytes)
        watches = [UsageWatch(on_disk, disk_bytes, Cause.DISK_FULL)]
        if running.supervisor is not None:
            in_memory = partial(tree_memory_bytes, running.supervisor)
            memory_bytes = limits.memory_limit_mb * MEGABYTE
            watches.append(UsageWatch(in_memory, memory_bytes, Cause.MEMORY_FULL))
        return watches

    def _watch(self, pump: ChildPump, usage: list[UsageWatch]) -> Cause:
        """Take what the child reports until it ends, or until it has to."""
        while pump.exit is None:
            now = time.monotonic()
            if cause := self._cause_to_end(now):
                return cause
            if pump.unended_bytes > UNENDED_BYTES:
                return Cause.FLOODED
            for watch in usage:
                if watch.is_exceeded(now):
                    return watch.cause
            next_look_at = min(watch.next_look_at for watch in usage)
            self._turn(pump, min(self._next_moment(), next_look_at) - now)
            self._report.pass_on_output(time.monotonic())
        return Cause.EXITED

    def _await_end(self, pump: ChildPump) -> None:
        give_up_at = time.monotonic() + KILLED_SECONDS
        while pump.exit is None and (left := give_up_at - time.monotonic()) > 0:
            self._turn(pump, left)

    def _turn(self, pump: ChildPump, timeout_seconds: float) -> None:
        for line in pump.turn(timeout_seconds):
            self._report.take(line)
            self._note_phase()

    def _note_phase(self) -> None:
        ledger = self._report.ledger
        self._clock.note(ledger.phase, ledger.running, time.monotonic())

    def _cause_to_end(self, now: float) -> Cause | None:
        if self._stop.reason is not None:
            return Cause.STOPPED
        if now >= self._job_deadline:
            return Cause.JOB_DEADLINE
        if self._report.ignored - self._ignored_before > IGNORED_LINES:
            return Cause.FLOODED
        return Cause.PHASE_DEADLINE if now >= self._phase_deadline() else None

    def _is_over(self) -> bool:
        return self._cause_to_end(time.monotonic()) is not None

    def _is_to_end(self) -> bool:
        return self._stop.reason is not None or time.monotonic() >= self._job_deadline

    def _phase_deadline(self) -> float:
        if self._report.ledger.phase is Phase.ENDING:
            return self._clock.oldest() + ENDING_SECONDS
        return self._clock.oldest() + self._limits.task_timeout_seconds + HARD_SECONDS

    def _next_moment(self) -> float:
        batches = [stream.next_batch_at() for stream in self._report.streams]
        due = [moment for moment in batches if moment is not None]
        longest = time.monotonic() + LONGEST_WAIT_SECONDS
        return min(self._job_deadline, self._phase_deadline(), longest, *due)

    def _goes_on(self, end: ChildEnd) -> bool:
        """Whether the child was lost with its warm process: what ran begins again in another."""
        is_over = self._report.broken is not None or self._report.ledger.phase is Phase.ENDING
        if end.cause is not Cause.ORPHANED or is_over:
            return False
        self._report.tell_orphaned()
        return True

    def _conclude(self, end: ChildEnd) -> JobEnd | None:
        """Report what the child left open; None when another child has to go on."""
        if end.cause is Cause.STOPPED:
            return self._conclude_stop()
        if self._report.broken is not None:
            return self._conclude_broken(self._report.broken)
        match self._report.ledger.phase:
            case Phase.LOADING:
                return self._conclude_loading(end)
            case Phase.STAGE_ONE:
                return self._conclude_stage_one(end)
            case Phase.TASK | Phase.BETWEEN:
                return self._conclude_task(end)
            case Phase.ENDING:
                return self._by_results()

    def _conclude_stop(self) -> JobEnd:
        if self._stop.reason == "interrupted":
            return JobEnd("interrupted")
        self._report.skip_rest("the job was cancelled")
        return JobEnd("cancelled")

    def _conclude_broken(self, fault: Fault) -> JobEnd:
        self._report.skip_rest(fault.reason)
        return self._by_results({"reason": fault.reason, "advice": fault.advice})

    def _conclude_loading(self, end: ChildEnd) -> JobEnd:
        why = end.reason(self._limits, "before it had registered its tasks")
        reason = f"integration '{self._order.integration}': its child process: {why}"
        self._report.skip_rest(reason)
        advice = "look at what the integration's modules do when they are imported, and the output"
        return self._by_results({"reason": reason, "advice": advice})

    def _conclude_stage_one(self, end: ChildEnd) -> JobEnd:
        reason = end.reason(self._limits, "before StageOne ended")
        self._report.stand_in_for_stage_one(end.status, reason, end.seconds)
        self._report.skip_rest(f"StageOne did not succeed: {reason}")
        return self._by_results()

    def _conclude_task(self, end: ChildEnd) -> JobEnd | None:
        ledger = self._report.ledger
        reason = end.reason(self._limits, "before the task reported")
        if end.cause is not Cause.JOB_DEADLINE and ledger.suspect():
            self._report.tell_suspects(reason)
            return None
        # A child that ended between two tasks goes on in the next one, unless it got nowhere.
        stuck = ledger.running or (() if ledger.reported_by_child else ledger.remaining()[:1])
        for name in stuck:
            self._report.stand_in(name, end.status, reason, self._clock.seconds(name))
        if end.cause is Cause.JOB_DEADLINE:
            self._report.skip_rest(reason)
            advice = "raise TRUELINE_JOB_TIMEOUT_SECONDS, or split the integration"
            return self._by_results({"reason": reason, "advice": advice})
        return None if ledger.remaining() else self._by_results()

    def _by_results(self, error: Mapping[str, str] | None = None) -> JobEnd:
        ledger = self._report.ledger
        status = ledger.status()
        if status == "success":
            return JobEnd(status)
        if error is None and status == "failed":
            error = self._report.stage_one_fault or {
                "reason": f"no task succeeded: {ledger.counts()}",
                "advice": "see the errors of each task",
            }
        return JobEnd(status, error)
