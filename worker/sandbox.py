"""The sandbox of this machine: tried once at a worker's start, then around all that it starts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from utils.guard_process import GUARD_FD
from utils.sandbox_closer import CLOSER_FD
from worker.bubblewrap import (
    NAMESPACES,
    USER_NAMESPACE,
    View,
    bubblewrap_arguments,
    find_bubblewraps,
)
from worker.cgroups import ProcessGroups
from worker.errors import WorkerError
from worker.interpreter_folders import interpreter_folders
from worker.job_order import Prepared
from worker.launcher import Command

TRIAL_SECONDS = 20.0
OUR_PROCESSES = 5  # bubblewrap outside and inside, a warm process, a supervisor, a fork that starts
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_TRIAL = """
import ctypes, json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
processes = sum(name.isdigit() for name in os.listdir("/proc"))
may_nest = ctypes.CDLL(None).unshare(0x10000000) == 0
print(json.dumps({
    "an own process namespace": os.getpid() < 10 and processes < 10,
    "no capabilities": int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0,
    "no new privileges": int(status["NoNewPrivs"]) == 1,
    "no user namespaces inside": not may_nest,
    "a system that is read-only": not os.access("/", os.W_OK) and not os.access("/usr", os.W_OK),
}))
"""


class SandboxUnusable(WorkerError):  # noqa: N818 - reads as the state it reports
    """This machine has no sandbox that holds."""


@dataclass(frozen=True)
class Sandbox:
    """A bubblewrap that works here, and what everything in it may read or must not see."""

    bubblewrap: Path
    namespaces: tuple[str, ...]
    readable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    groups: ProcessGroups | None = None
    most_processes: int = 0  # of all in one sandbox, where there are groups
    most_bytes: int = 0  # same
    is_closed: bool = False  # by a helper: what it shows of other processes, files in memory
    open_ports: frozenset[int] | None = None  # of this machine, where a guard keeps all others shut

    @classmethod
    def find(cls, bubblewraps: Iterable[Path] | None = None) -> Self:
        """Return the first sandbox that holds; raises SandboxUnusable with what stands against."""
        reasons = []
        for bubblewrap in find_bubblewraps() if bubblewraps is None else bubblewraps:
            for namespaces in _variants():
                sandbox = cls(bubblewrap, namespaces)
                reason = sandbox.trial()
                if reason is None:
                    return sandbox
                reasons.append(f"{bubblewrap}: {reason}")
        raise SandboxUnusable(
            f"no sandbox works here: {'; '.join(dict.fromkeys(reasons)) or 'no bubblewrap'}",
            "on Linux install bubblewrap, and allow user namespaces (a container needs a profile "
            "that lets it mount); or set TRUELINE_ISOLATION=process and run trusted authors alone",
        )

    def showing(
        self, repositories: Iterable[Path], environ: Mapping[str, str], hidden: Iterable[Path]
    ) -> Self:
        """Return it for one worker: its source and its certificates show, its data does not."""
        certificates = (Path(environ[name]) for name in _CERTIFICATES if environ.get(name))
        readable = (*repositories, *(path for path in certificates if path.exists()))
        return replace(self, readable=readable, hidden=tuple(hidden))

    def bounding(self, groups: ProcessGroups | None, process_limit: int, most_bytes: int) -> Self:
        """Return it with limits on what all of each sandbox take, where there are groups."""
        most_processes = process_limit + OUR_PROCESSES
        return replace(self, groups=groups, most_processes=most_processes, most_bytes=most_bytes)

    def guarded(self, open_ports: Iterable[int]) -> Self:
        """Return it with this machine's own services shut to what it encloses, but these ports."""
        return replace(self, open_ports=frozenset(open_ports))

    def without_network(self, folder: Path) -> Self:
        """Return it with a network of its own, and a folder that shows; raises SandboxUnusable."""
        namespaces = (*self.namespaces, "--unshare-net")
        closed = replace(self, namespaces=namespaces, readable=(*self.readable, folder))
        reason = closed.trial()
        if reason is not None:
            raise SandboxUnusable(
                f"{self.bubblewrap} cannot give a sandbox a network of its own: {reason}",
                "allow the worker to make network namespaces, or set TRUELINE_EGRESS=open",
            )
        return closed

    def enclose(self, command: Command, prepared: Prepared, writable: Path) -> Command:
        """Start `command` in a sandbox in which `writable` alone can be written to.

        The interpreter is told to leave packages alone (-S): they may run code as soon as they are
        found, so the child looks for them itself once it has sealed itself.
        """
        environment = prepared.environment
        python, *arguments = command.argv
        view = View(
            readable=(
                *self.readable,
                *interpreter_folders(environment.python),
                environment.path,
                *(path for path in (environment.store,) if path.is_dir()),
                prepared.snapshot,
            ),
            writable=(writable,),
            hidden=self.hidden,
        )
        closer = ("-X", f"closer={CLOSER_FD}") if self.is_closed else ()
        guard = () if self.open_ports is None else ("-X", f"guard={GUARD_FD}")
        rules = None if self.open_ports is None else {"ports": sorted(self.open_ports)}
        argv = self.around((python, "-S", *closer, *guard, *arguments), view, command.cwd)
        return replace(
            command, argv=argv, signals_are_codes=True, guard=rules, closer=self.is_closed
        )

    def around(self, argv: tuple[str, ...], view: View, cwd: Path) -> tuple[str, ...]:
        """Return the command that runs `argv` in it, with sight of `view`."""
        options = bubblewrap_arguments(view, cwd, self.namespaces)
        inside = (str(self.bubblewrap), *options, *argv)
        if self.groups is None:
            return inside
        return self.groups.entered(inside, self.most_processes, self.most_bytes)

    def trial(self) -> str | None:
        """Say what does not hold in it; None when all does."""
        python = Path(sys.executable)
        view = View(interpreter_folders(python), ())
        options = bubblewrap_arguments(view, Path("/"), self.namespaces)
        try:
            end = run_trial((self.bubblewrap, *options, python, "-I", "-S", "-c", _TRIAL))
            found: dict[str, bool] = json.loads(end.stdout) if end.returncode == 0 else {}
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            return str(error)
        if not found:
            return end.stderr.decode("utf-8", "replace").strip() or f"code {end.returncode}"
        return ", ".join(f"not {what}" for what, holds in found.items() if not holds) or None


def run_trial(command: Sequence[str | Path]) -> "subprocess.CompletedProcess[bytes]":
    """Run a command to its end, in time and without the worker's variables.

    Raises OSError and TimeoutExpired.
    """
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=TRIAL_SECONDS,
        check=False,
        env={"LANG": "C.UTF-8"},
        cwd="/",
    )


def _variants() -> Iterator[tuple[str, ...]]:
    yield (*NAMESPACES, *USER_NAMESPACE)
    if os.geteuid() == 0:  # needs none; the trial shows whether jobs could make one
        yield NAMESPACES
