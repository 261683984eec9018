"""Jobs' ways out: open, or through a proxy that leads to declared hosts alone.

The proxy is a process of its own, started anew when it dies or falls silent.
"""

import fcntl
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, Self

import structlog

from utils.egress import VARIABLE
from worker.job_order import Prepared
from worker.running import LaunchError
from worker.side_process import start_side_process

ANSWER_SECONDS = 10.0  # an order takes a millisecond; a proxy silent for this long is replaced

log = structlog.get_logger()


class Egress(StrEnum):
    """What jobs may reach."""

    OPEN = "open"  # what the worker reaches
    DECLARED = "declared"  # the hosts that their integration declares


class ProxyGone(LaunchError):  # noqa: N818 - reads as the state it reports
    """There is no proxy, and without one a job reaches nothing."""


class Passage(Protocol):
    """One job's way out."""

    def variables(self) -> Mapping[str, str]:
        """Return what the next child of the job is told, in its environment."""

    def end(self) -> Mapping[str, Any] | None:
        """Close it, and return what is to be recorded: the event `network`, or nothing."""


class WaysOut(Protocol):
    """Makes a passage for each job; any thread may call it."""

    def passage(self, prepared: Prepared) -> Passage:
        """Return a new job's way out."""

    def close(self) -> None:
        """Close all of them."""


class OpenPassage:
    """A job reaches what the worker reaches, and nobody counts it."""

    def variables(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def end(self) -> Mapping[str, Any] | None:
        """Return nothing."""
        return None


class OpenWays:
    """Egress `open`, and a child that is no job's."""

    def passage(self, _prepared: Prepared) -> Passage:
        """Return the way that is always there."""
        return OpenPassage()

    def close(self) -> None:
        """Close nothing."""


class DeclaredWays:
    """Egress `declared`: jobs see `folder`, where the proxy takes their sockets."""

    def __init__(self, folder: Path, lock: int, private: str) -> None:
        self.folder = folder
        self._folder_lock = lock
        self._private = private
        self._lock = threading.Lock()
        self._proxy: _Proxy | None = None

    @classmethod
    def start(cls, parent: Path, private: str) -> Self:
        """Start a proxy whose folder lies in `parent`; raises ProxyGone."""
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(dir=parent.resolve()))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        ways = cls(folder, lock, private)
        ways.ask({"do": "look"})
        return ways

    @property
    def pid(self) -> int:
        """The process that serves now."""
        return self._proxy.process.pid if self._proxy else 0

    def passage(self, prepared: Prepared) -> Passage:
        """Return a new job's way out."""
        return DeclaredPassage(self, prepared)

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Have the proxy carry out an order, a new one if need be; raises ProxyGone."""
        failure: Exception | None = None
        with self._lock:
            for _ in range(2):
                try:
                    if self._proxy is None:
                        self._proxy = _Proxy.start(self.folder, self._private)
                    return self._proxy.ask(order)
                except (OSError, ValueError) as error:
                    failure = error
                    self._replace(error)
        raise ProxyGone(
            f"the proxy for jobs does not start: {failure}",
            "look for what ends the worker's processes, and restart the worker; with "
            "TRUELINE_EGRESS=open jobs need no proxy",
        )

    def close(self) -> None:
        """End the proxy."""
        with self._lock:
            if self._proxy is not None:
                self._proxy.end()
                self._proxy = None
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._folder_lock)

    def _replace(self, error: Exception) -> None:
        if self._proxy is None:
            return
        log.warning("proxy for jobs lost", reason=str(error) or "it ended", advice="none needed")
        self._proxy.end()
        self._proxy = None


class DeclaredPassage:
    """One job at the proxy; each of its children is admitted once."""

    def __init__(self, ways: DeclaredWays, prepared: Prepared) -> None:
        self._ways = ways
        self._job = secrets.token_hex(8)
        self._prepared = prepared
        self._is_open = True

    def variables(self) -> Mapping[str, str]:
        """Admit one child, and return what it is told."""
        ticket = secrets.token_urlsafe(24)
        hosts = self._prepared.hosts
        order = {"do": "admit", "job": self._job, "ticket": ticket, "hosts": hosts}
        self._ways.ask({**order, "integration": self._prepared.integration})
        way = {"folder": str(self._ways.folder), "ticket": ticket, "hosts": hosts or ()}
        return {VARIABLE: json.dumps(way)}

    def end(self) -> Mapping[str, Any] | None:
        """Close it; a proxy that was lost meanwhile has lost its counts as well."""
        if not self._is_open:
            return None
        self._is_open = False
        try:
            found = self._ways.ask({"do": "end", "job": self._job})
        except ProxyGone:
            found = {"reached": [], "omitted": 0, "known": False}
        return {
            "type": "network",
            "egress": Egress.DECLARED.value,
            "hosts": self._prepared.hosts,
            "reached": found["reached"],
            "omitted": found["omitted"],
            "complete": found["known"],
        }


class _Proxy:
    """The process, and the socket on which it takes orders one after the other."""

    def __init__(self, process: "subprocess.Popen[bytes]", orders: socket.socket) -> None:
        self.process = process
        self._orders = orders
        self._answers = orders.makefile("rb")

    @classmethod
    def start(cls, folder: Path, private: str) -> Self:
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_SECONDS)
        with theirs:
            process = start_side_process(
                "egress_process.serve_egress", theirs, str(folder), private
            )
        return cls(process, ours)

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        self._orders.sendall(json.dumps(order).encode() + b"\n")
        line = self._answers.readline()
        if not line:
            raise ConnectionResetError("it ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        self._answers.close()
        self._orders.close()
        self.process.kill()
        self.process.wait()


@contextmanager
def held(passage: Passage) -> Iterator[Passage]:
    """Close a passage whatever happens; what it would record is dropped then."""
    try:
        yield passage
    finally:
        passage.end()


def without_proxies(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return variables without those that lead to the worker's own proxies."""
    return {name: value for name, value in environ.items() if name.lower() not in names}


def _sweep(parent: Path) -> None:
    """Remove what processes that were killed have left."""
    for folder in parent.iterdir():
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
