"""What one job tells the outside: checked, clean, and one result for every task of its plan."""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, assert_never

from utils.thinning import Thinning
from worker.child_events import (
    Broken,
    Cause,
    ChildEvent,
    DataWritten,
    Exchanged,
    Fault,
    Finished,
    Oversize,
    Plan,
    Progress,
    Reads,
    StageOneEnded,
    StageOneFault,
    TaskFinished,
    TaskStarted,
    read_event,
)
from worker.cleaning import clean_result, clean_text_object, without_controls
from worker.controls import neutralise
from worker.data_lines import Unsound
from worker.job_cause import heavier
from worker.job_order import JobEnd, JobOrder, Limits
from worker.large_files import LargeFiles
from worker.limits import with_limit_named
from worker.output import CapturedStream
from worker.pinned import open_pinned
from worker.redaction import Redactor, secret_values
from worker.task_data import TaskData
from worker.task_ledger import Phase, TaskLedger

LINE_BYTES = 16 * 1024 * 1024  # message and resources: `utils.findings` holds them to it
LINE_SLACK_BYTES = 1024 * 1024  # data that is not large, logs, errors and names
MOST_UNSAID = 1000  # of progress that came too soon to be told; more counts as nonsense

Emit = Callable[[dict[str, Any]], None]


class JobReport:
    """Takes the lines of all of a job's children, and emits events; muted, it emits nothing."""

    def __init__(
        self, order: JobOrder, limits: Limits, spool: Path, emit: Emit, large: LargeFiles
    ) -> None:
        self.ledger = TaskLedger()
        self.broken: Fault | None = None
        self.stage_one_fault: Mapping[str, Any] | None = None
        self.muted = False
        self._cause: Cause | None = None
        self._progress: dict[str, Thinning] = {}
        self._unsaid = 0
        self._limits = limits
        self._is_taped = order.exchanges is not None
        self._spool = spool
        self._emit = emit
        self.ignored = 0  # lines on the event channel that made no sense there
        self._redactor = Redactor(secret_values(order.config, order.secrets))
        self.data = TaskData(order, limits, spool, self._redactor, large)
        self.streams = (
            CapturedStream("stdout", limits.log_limit_bytes, self._redactor),
            CapturedStream("stderr", limits.log_limit_bytes, self._redactor),
        )

    @property
    def line_limit_bytes(self) -> int:
        """The longest line that a child may report."""
        return min(self._limits.result_limit_bytes, LINE_BYTES) + LINE_SLACK_BYTES

    def take(self, line: bytes | Oversize) -> None:
        """Take what a child wrote on its event channel; what makes no sense there is counted."""
        if isinstance(line, Oversize):
            accepted = self._take_oversize(line)
        else:
            event = read_event(line)
            accepted = event is not None and self._take_event(event, line)
        self.ignored += not accepted

    def close(self) -> None:
        """Let go of what is half read."""
        self.data.drop()

    def end_child(self) -> None:
        """Note that a child is gone."""
        self.data.drop()
        for stream in self.streams:
            stream.end_child()

    def pass_on_output(self, now: float, *, final: bool = False) -> None:
        """Emit what was printed, where a batch is due."""
        for stream in self.streams:
            for text in stream.batches(now, final=final):
                self._tell({"type": "output", "stream": stream.name, "text": text})

    def stand_in(self, name: str, status: str, reason: str, seconds: float = 0.0) -> None:
        """Report a task in place of its child."""
        result = self.ledger.stand_in(name, status, reason, seconds)
        _append(self._spool, json.dumps(result))
        self._tell({"type": "task_finished", "result": clean_result(result, self._redactor)})

    def skip_rest(self, reason: str) -> None:
        """Report every task that has no result as skipped."""
        for name in self.ledger.remaining():
            self.stand_in(name, "skipped", reason)

    def tell_suspects(self, reason: str) -> None:
        """Say that the running tasks run again, each alone."""
        names = ", ".join(self.ledger.running)
        text = f"[the process of {names} was lost ({reason}): each of them runs again, alone]\n"
        self._tell({"type": "output", "stream": "stderr", "text": neutralise(text)})

    def tell_orphaned(self) -> None:
        """Say that what ran runs again."""
        names = ", ".join(self.ledger.running)
        text = "[the warm process was lost: the job goes on in a process of its own"
        text += f", and {names} from the beginning]\n" if names else "]\n"
        self._tell({"type": "output", "stream": "stderr", "text": neutralise(text)})

    def stand_in_for_stage_one(self, status: str, reason: str, seconds: float) -> None:
        """Report StageOne in place of its child."""
        fault = StageOneFault(
            reason=reason, advice="look at what StageOne.start waits for or calls"
        )
        event = StageOneEnded(
            type="stage_one",
            status="timeout" if status == "timeout" else "failed",
            duration_seconds=seconds,
            error=fault,
        )
        self._take_event(event, b"")

    def tell_network(self, event: Mapping[str, Any] | None) -> None:
        """Report what the job reached, where that is known; a name may hold a secret."""
        if event is not None:
            self._tell(without_controls(self._redactor.redact_json(dict(event))))

    def end(self, end: JobEnd) -> JobEnd:
        """Emit the rest of the output and the job's end; return that end without secrets."""
        self.pass_on_output(0.0, final=True)
        if self.ignored:
            text = f"[{self.ignored} lines on the event channel were ignored]\n"
            self._tell({"type": "output", "stream": "stderr", "text": text})
        error = None if end.error is None else clean_text_object(dict(end.error), self._redactor)
        finished = {"type": "job_finished", "status": end.status, "error": error}
        if self._cause is not None:
            finished["cause"] = self._cause.model_dump()
        self._tell(finished)
        return JobEnd(end.status, error)

    def _take_event(self, event: ChildEvent, line: bytes) -> bool:
        match event:
            case Plan():
                taken = self.ledger.take_plan(event.tasks, event.parallel_tasks)
            case Broken():
                taken = self._take_broken(event)
            case StageOneEnded():
                taken = self._take_stage_one(event)
            case TaskStarted():
                taken = self._take_start(event)
            case Progress():
                taken = self._take_progress(event)
            case DataWritten():
                taken = event.task in self.ledger.running and self.data.read(event)
            case TaskFinished():
                taken = self._take_result(event, line)
            case Exchanged() | Reads():
                taken = self._take_from_tape(event)
            case Finished():
                taken = self.ledger.phase is Phase.ENDING
            case _:
                assert_never(event)
        return taken

    def _take_from_tape(self, event: Exchanged | Reads) -> bool:
        if self._is_taped:
            self._tell(without_controls(self._redactor.redact_json(event.model_dump())))
        return self._is_taped

    def _take_broken(self, event: Broken) -> bool:
        taken = self.ledger.break_off()
        if taken:
            self.broken = event.error
        return taken

    def _take_stage_one(self, event: StageOneEnded) -> bool:
        is_first = self.ledger.stage_one is None
        if not self.ledger.end_stage_one(event):
            return False
        told = event.model_dump()
        if event.error is not None:
            self._cause = heavier(self._cause, event.error.cause)
            del told["error"]["cause"]
            told["error"] = clean_text_object(told["error"], self._redactor)
            self.stage_one_fault = told["error"]
        told["logs"] = self._redactor.redact_json(told["logs"])
        if is_first or event.status != "success":
            self._tell(without_controls(told))
        return True

    def _take_start(self, event: TaskStarted) -> bool:
        started = self.ledger.start(event.task)
        if started:
            self._tell({"type": "task_started", "task": event.task})
        return started

    def _take_progress(self, event: Progress) -> bool:
        if event.task not in self.ledger.running:
            return False
        thinning = self._progress.setdefault(event.task, Thinning())
        if not thinning.is_told(event.done, event.total, time.monotonic()):
            self._unsaid += 1  # the SDK's own clock may run a little ahead of ours
            return self._unsaid <= MOST_UNSAID
        self._tell(event.model_dump())
        return True

    def _take_result(self, event: TaskFinished, line: bytes) -> bool:
        if event.result.large is not None and not self.ledger.may_finish(event.result):
            return False  # its data is not even looked at
        try:
            large = self.data.kept(event.result)
        except Unsound as error:
            self.stand_in(event.result.name, "failed", f"its data cannot be recorded: {error}")
            return True
        if not self.ledger.finish(event.result):
            return False
        self._cause = heavier(self._cause, event.result.cause)
        told = event.result.model_dump(exclude={"large"})
        result = with_limit_named(told, self._limits) | large
        redactor = self._redactor.narrow(line)
        cleaned = without_controls(result) if redactor is None else clean_result(result, redactor)
        if self.muted:
            self.data.forget(large)
        self._tell({"type": "task_finished", "result": cleaned})
        return True

    def _take_oversize(self, line: Oversize) -> bool:
        running = self.ledger.running
        name = line.task if line.task in running else None
        if name is None and len(running) == 1:
            name = running[0]
        if name is None:
            return False  # whoever's it was stays without a result, and a later child tells
        self.stand_in(
            name,
            "failed",
            f"its result takes {line.size_bytes:,} bytes as a line of JSON, more than the limit "
            f"of {self.line_limit_bytes:,} bytes",
        )
        return True

    def _tell(self, event: dict[str, Any]) -> None:
        if not self.muted:
            self._emit(event)


def _append(spool: Path, result: str) -> None:
    # A later child reads there how the task ended. The file is the child's to spoil: no link is
    # followed, no pipe waited for, and what cannot be written counts as not succeeded anyway.
    # The line begins with an end of line: a killed child may have left half of one.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
    with suppress(OSError):
        descriptor = open_pinned(spool, flags)
        try:
            os.write(descriptor, f"\n{result}\n".encode())
        finally:
            os.close(descriptor)
