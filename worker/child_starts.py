"""Starts the child of a job: forked from a warm process where there is one, else afresh."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from worker.child_command import child_command, confined
from worker.commons import opened_line
from worker.egress import OpenPassage, Passage
from worker.host import Host
from worker.job_directories import JobDirectory
from worker.job_order import Limits, Prepared
from worker.launcher import Command, LaunchError, Running
from worker.warm import WarmStarts


class ChildStarts:
    """Any thread may call it; which way a child was started makes no difference to its user."""

    def __init__(
        self,
        host: Host,
        warm: WarmStarts,
        passage: Passage | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self._host = host
        self._warm = warm
        self._config = config
        self.passage = passage or OpenPassage()

    def by(self, passage: Passage, config: Mapping[str, Any]) -> "ChildStarts":
        """Return the starts of one job, whose children leave by its passage."""
        return ChildStarts(self._host, self._warm, passage, config)

    @property
    def limits(self) -> Limits:
        """The limits of one job."""
        return self._host.limits

    def start(
        self,
        prepared: Prepared,
        directory: JobDirectory,
        spec: bytes,
        give_up: Callable[[], bool],
        *,
        warm: bool = True,
    ) -> Running:
        """Start a child that reads `spec`; raises LaunchError.

        Where it may be `warm` it may wait for such a process, until `give_up` says otherwise.
        """
        with opened_line(self._line(prepared)) as line:
            forked = None
            if warm:
                asked = replace(self._command(prepared, directory), confine=self._host.confine)
                forked = self._warm.spawn(prepared, replace(asked, line=line), spec, give_up)
            self._warm.count_start(warm=forked is not None)
            return forked or self._start_fresh(prepared, directory, spec, line)

    def start_fresh(self, prepared: Prepared, directory: JobDirectory, spec: bytes) -> Running:
        """Start a child in a fresh interpreter; raises LaunchError."""
        with opened_line(self._line(prepared)) as line:
            return self._start_fresh(prepared, directory, spec, line)

    def _line(self, prepared: Prepared) -> socket.socket | None:
        if self._config is None:
            return None
        return self._host.commons.line(prepared.integration, self._config)

    def _start_fresh(
        self,
        prepared: Prepared,
        directory: JobDirectory,
        spec: bytes,
        line: socket.socket | None,
    ) -> Running:
        if not directory.is_its_own:
            raise LaunchError(
                f"the folder of a job of {prepared.integration!r} is no folder any more",
                "look at what the integration does when it is imported; "
                "TRUELINE_WARM_PROCESSES=0 gives each job a sandbox of its own",
            )
        command = confined(self._command(prepared, directory), self._host.confine)
        enclosed = self._host.enclose(command, prepared, directory.path)
        return self._host.launcher.spawn(replace(enclosed, line=line), spec)

    def _command(self, prepared: Prepared, directory: JobDirectory) -> Command:
        command = child_command(prepared, directory, self._host.limits, self._host.environ)
        return replace(command, env={**command.env, **self.passage.variables()})
