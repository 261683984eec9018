"""Runs a job's tasks in a child process of its environment, and reports each of them once."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from worker.child_events import OwnTestsEnded
from worker.child_starts import ChildStarts
from worker.description import describe
from worker.egress import held
from worker.host import Host
from worker.job_directories import JobDirectories, sweep
from worker.job_order import Description, EndStatus, JobEnd, JobOrder, Limits, Prepared
from worker.job_report import JobReport
from worker.job_watch import JobWatch
from worker.large_files import LargeFiles
from worker.own_tests import run_own_tests
from worker.stop_signal import StopReason, StopSignal
from worker.warm import NONE_WARM, WarmLimits, WarmStarts

__all__ = [
    "Description",
    "EndStatus",
    "Executor",
    "Host",
    "JobEnd",
    "JobOrder",
    "Limits",
    "Prepared",
    "ProcessExecutor",
    "StopReason",
    "StopSignal",
    "WarmLimits",
]


class Executor(Protocol):
    """Runs jobs; what is behind it may change, leasing and outbox don't know."""

    def run(
        self,
        order: JobOrder,
        prepared: Prepared,
        emit: Callable[[dict[str, Any]], None],
        stop: StopSignal,
    ) -> JobEnd:
        """Run one attempt of a job to its end; `emit` gets its events, `job_finished` last.

        Each task of the plan gets one `task_finished`, whatever happens. After a stop that says
        `interrupted` nothing more is emitted. What `emit` raises ends the job and goes through.
        """

    def describe(self, prepared: Prepared) -> Description:
        """Return the integration's tasks, or why it is broken."""


class ProcessExecutor:
    """Each job gets a process of its own, under a supervisor that ends all that it started.

    Any thread may call it, and may end after the call: children are the launcher's, not a
    thread's.
    """

    def __init__(
        self,
        host: Host,
        work_dir: Path,
        warm_limits: WarmLimits = NONE_WARM,
        large: LargeFiles | None = None,
    ) -> None:
        self._work_dir = work_dir
        self._large = large or LargeFiles(work_dir / "large")
        self._directories = JobDirectories.open(work_dir)
        self.warm = WarmStarts(host, self._directories, warm_limits)
        self._starts = ChildStarts(host, self.warm)
        self._ways = host.ways
        self._commons = host.commons

    def sweep(self) -> list[str]:
        """Remove what executors that were killed have left; return the names removed."""
        return sweep(self._work_dir)

    def run(
        self,
        order: JobOrder,
        prepared: Prepared,
        emit: Callable[[dict[str, Any]], None],
        stop: StopSignal,
    ) -> JobEnd:
        """Run one attempt of a job to its end; see Executor."""
        directory = self._directories.make(prepared.integration)
        end = None
        try:
            with (
                held(self._ways.passage(prepared)) as passage,
                closing(
                    JobReport(order, self._starts.limits, directory.spool, emit, self._large)
                ) as report,
            ):
                starts = self._starts.by(passage, order.config)
                end = JobWatch(starts, order, prepared, directory, report, stop).run()
                return end
        finally:
            if end is not None and end.status == "success":
                self._directories.take_back(directory)
            else:
                directory.remove()

    def describe(self, prepared: Prepared) -> Description:
        """Return the integration's tasks, or why it is broken."""
        told = self.warm.describe(prepared)
        if told is not None:
            return told
        with self._directories.new(prepared.integration) as directory:
            return describe(self._starts, prepared, directory)

    def test(
        self, prepared: Prepared, arguments: tuple[str, ...], tell: Callable[[bytes], None]
    ) -> OwnTestsEnded:
        """Run the integration's own tests by pytest; `tell` gets what they print."""
        with self._directories.new(prepared.integration) as directory:
            return run_own_tests(self._starts, prepared, directory, arguments, tell)

    def close(self) -> None:
        """End warm processes and remove this executor's directories; no job may run any more."""
        self.warm.close()
        self._ways.close()
        self._commons.close()
        self._directories.close()
