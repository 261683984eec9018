"""Starts the child of a job: forked from a warm process where there is one, else afresh."""

from collections.abc import Callable
from dataclasses import replace

from worker.child_command import child_command, confined
from worker.egress import OpenPassage, Passage
from worker.host import Host
from worker.job_directories import JobDirectory
from worker.job_order import Limits, Prepared
from worker.launcher import Command, LaunchError, Running
from worker.warm import WarmStarts


class ChildStarts:
    """Any thread may call it; which way a child was started makes no difference to its user."""

    def __init__(self, host: Host, warm: WarmStarts, passage: Passage | None = None) -> None:
        self._host = host
        self._warm = warm
        self.passage = passage or OpenPassage()

    def by(self, passage: Passage) -> "ChildStarts":
        """Return the starts of one job, whose children leave by its passage."""
        return ChildStarts(self._host, self._warm, passage)

    @property
    def limits(self) -> Limits:
        """The limits of one job."""
        return self._host.limits

    def start(
        self, prepared: Prepared, directory: JobDirectory, spec: bytes, give_up: Callable[[], bool]
    ) -> Running:
        """Start a child that reads `spec`; raises LaunchError.

        It may wait for a warm process to be ready, until `give_up` says otherwise.
        """
        asked = replace(self._command(prepared, directory), confine=self._host.confine)
        forked = self._warm.spawn(prepared, asked, spec, give_up)
        self._warm.count_start(warm=forked is not None)
        return forked or self.start_fresh(prepared, directory, spec)

    def start_fresh(self, prepared: Prepared, directory: JobDirectory, spec: bytes) -> Running:
        """Start a child in a fresh interpreter; raises LaunchError."""
        if not directory.is_its_own:
            raise LaunchError(
                f"the folder of a job of {prepared.integration!r} is no folder any more",
                "look at what the integration does when it is imported; "
                "TRUELINE_WARM_PROCESSES=0 gives each job a sandbox of its own",
            )
        command = confined(self._command(prepared, directory), self._host.confine)
        return self._host.launcher.spawn(
            self._host.enclose(command, prepared, directory.path), spec
        )

    def _command(self, prepared: Prepared, directory: JobDirectory) -> Command:
        command = child_command(prepared, directory, self._host.limits, self._host.environ)
        return replace(command, env={**command.env, **self.passage.variables()})
