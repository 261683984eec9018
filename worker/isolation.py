"""Which isolation level jobs get here, and the sandbox of the level that has one."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import structlog

from utils.errors import SettingsError
from utils.landlock import SCOPES_FROM, landlock_version
from utils.settings import Settings
from worker.cgroups import ProcessGroups
from worker.child_command import PROXIES
from worker.egress import DeclaredWays, Egress, without_proxies
from worker.egress_addresses import read_exemptions
from worker.errors import WorkerError
from worker.host import Host
from worker.launcher import Launcher
from worker.limits import MEGABYTE, limits_of, walls
from worker.local_source import repository_folders
from worker.sandbox import Sandbox, SandboxUnusable
from worker.sandbox_closing import close_in

log = structlog.get_logger()


class Isolation(StrEnum):
    """How far a job is kept apart from the worker and from other jobs."""

    PROCESS = "process"  # same user, own session, scrubbed variables, resource limits
    SANDBOX = "sandbox"  # namespaces of its own, a read-only system
    WITH_LOOPBACK = "sandbox, loopback open"  # where jobs could not be kept from this machine


class IsolationMissing(WorkerError):  # noqa: N818 - reads as the state it reports
    """The level that was asked for does not work here."""


@dataclass(frozen=True)
class Choice:
    """A level that works here; `missing` says why it is not more, where more is possible."""

    level: Isolation
    sandbox: Sandbox | None = None
    missing: str = ""

    @property
    def may_be_warm(self) -> bool:
        """Whether jobs that share a sandbox can be kept apart in it, by signals too."""
        return self.sandbox is None or landlock_version() >= SCOPES_FROM

    def build_sandbox(self, settings: Settings, environ: Mapping[str, str]) -> Sandbox | None:
        """Return what environments are built in."""
        return self.sandbox and self.sandbox.showing((), environ, [settings.data_dir])

    def host(self, launcher: Launcher, settings: Settings, environ: Mapping[str, str]) -> Host:
        """Return what starts children in this way."""
        limits = limits_of(settings)
        confine = walls(limits, sandboxed=self.sandbox is not None)
        read_exemptions(settings.egress_private)
        self.check_egress(settings.egress)
        if self.sandbox is None:
            return Host(launcher, limits, environ, confine=confine)
        readable = [*repository_folders(settings.source_url), *_given(settings.readable_paths)]
        confine["guarded"] = self.sandbox.open_ports is not None
        confine["alone"] = settings.warm_processes == 0 or not self.may_be_warm
        sandbox = self.sandbox.showing(readable, environ, [settings.data_dir])
        # One sandbox may hold as many jobs as run at once, and what they were forked from.
        most_mb = settings.concurrency * settings.memory_limit_mb + settings.warm_memory_mb
        groups = ProcessGroups.open()
        sandbox = sandbox.bounding(groups, limits.process_limit, most_mb * MEGABYTE)
        host = Host(launcher, limits, environ, sandbox.enclose, confine)
        return host if Egress(settings.egress) is Egress.OPEN else _closed(host, sandbox, settings)

    def check_egress(self, egress: str) -> None:
        """Raise IsolationMissing when jobs cannot be held to declared hosts at this level."""
        if self.sandbox is None and Egress(egress) is Egress.DECLARED:
            why = self.missing or f"TRUELINE_ISOLATION is {self.level.value}"
            raise IsolationMissing(
                f"TRUELINE_EGRESS=declared needs isolation level sandbox: {why}",
                "set TRUELINE_ISOLATION=sandbox where a sandbox works, or TRUELINE_EGRESS=open",
            )


def choose_isolation(asked: str, bubblewraps: tuple[Path, ...] | None = None) -> Choice:
    """Return the level to use; an empty `asked` means the best that works here.

    A level that was asked for is never replaced by a weaker one.
    """
    if asked == Isolation.PROCESS:
        return Choice(Isolation.PROCESS)
    try:
        return Choice(Isolation.SANDBOX, close_in(Sandbox.find(bubblewraps)))
    except SandboxUnusable as error:
        if asked == Isolation.SANDBOX:
            raise IsolationMissing(
                f"isolation 'sandbox' was asked for: {error.reason}", error.advice
            ) from error
        _warn(error)
        return Choice(Isolation.PROCESS, missing=error.reason)


def _closed(host: Host, sandbox: Sandbox, settings: Settings) -> Host:
    """Return a host whose jobs reach declared hosts alone."""
    ways = DeclaredWays.start(settings.data_dir / "egress", settings.egress_private)
    try:
        enclose = sandbox.without_network(ways.folder).enclose
    except BaseException:
        ways.close()
        raise
    own = without_proxies(host.environ, PROXIES)
    if own != dict(host.environ):
        log.warning(
            "jobs do not use the worker's proxy",
            reason="TRUELINE_EGRESS=declared connects to declared hosts directly",
            advice="nothing to do where this machine reaches them so; else TRUELINE_EGRESS=open",
        )
    return replace(host, environ=own, enclose=enclose, ways=ways)


def _given(paths: str) -> list[Path]:
    given = [Path(path) for path in paths.split(":") if path]
    for path in given:
        if not path.is_absolute() or len(path.parts) < 2 or not path.exists():
            raise SettingsError(
                f"setting TRUELINE_READABLE_PATHS: {str(path)!r} is no absolute path here",
                "name folders that are there, separated by colons",
            )
    return given


def _warn(error: SandboxUnusable) -> None:
    if sys.platform == "linux":  # elsewhere there is none to have
        log.warning("jobs run without a sandbox", reason=error.reason, advice=error.advice)
