"""Runs a job's tasks in a child process of its environment, and reports each of them once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from worker.description import describe
from worker.job_directories import JobDirectories, sweep
from worker.job_order import Description, EndStatus, JobEnd, JobOrder, Limits, Prepared
from worker.job_report import JobReport
from worker.job_watch import Host, JobWatch
from worker.launcher import Launcher
from worker.stop_signal import StopReason, StopSignal

__all__ = [
    "Description",
    "EndStatus",
    "Executor",
    "JobEnd",
    "JobOrder",
    "Limits",
    "Prepared",
    "ProcessExecutor",
    "StopReason",
    "StopSignal",
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
    """Each job gets a fresh interpreter, under a supervisor that ends all that it started.

    Any thread may call it, and may end after the call: children are the launcher's, not a
    thread's. `environ` is where proxies and certificates are taken from, and nothing else.
    """

    def __init__(
        self,
        launcher: Launcher,
        limits: Limits,
        work_dir: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._host = Host(launcher, limits, environ or {})
        self._work_dir = work_dir
        self._directories = JobDirectories.open(work_dir)

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
        with self._directories.new() as directory:
            report = JobReport(order, self._host.limits, directory.spool, emit)
            return JobWatch(self._host, order, prepared, directory, report, stop).run()

    def describe(self, prepared: Prepared) -> Description:
        """Return the integration's tasks, or why it is broken."""
        with self._directories.new() as directory:
            return describe(self._host, prepared, directory)

    def close(self) -> None:
        """Remove this executor's directories; no job may run any more."""
        self._directories.close()
