"""Processes of ours that begin as a fork of an interpreter which has imported them already.

What `python -m api` does with its variables, folder and files, it does; half a second of processor
time, which the imports cost each of some hundred starts, is spent once. What is about the start
itself, or about what the kernel shows of it, starts for real.
"""

import atexit
import contextlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Protocol

# Read by the loader, shown in /proc, or read at an import.
REAL = ("LD_PRELOAD", "TRUELINE_TOKEN", "TRUELINE_SECRET_KEY", "TRUELINE_FAILPOINT", "PYTHONPATH")
REQUEST_BYTES = 1 << 17
END_SECONDS = 20


class Started(Protocol):
    """What tests use of a `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def start(module: str, environ: Mapping[str, str], folder: Path, log: IO[bytes]) -> Started:
    """Start `python -m` this module in a session of its own; both its outputs go to the log."""
    if any(name in environ for name in REAL):
        return start_for_real(module, environ, folder, log)
    return _preloaded(module).start(environ, folder, log)


def start_for_real(
    module: str, environ: Mapping[str, str], folder: Path, log: IO[bytes]
) -> Started:
    """Do the same with an interpreter of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        env=environ,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


class Forked:
    """A process that the preloaded one has forked; its watcher tells how it ends."""

    def __init__(self, told: int) -> None:
        self._told = told  # a descriptor, not a socket: those complain when nobody closes them
        self._code: int | None = None
        self.pid = self._read(None)

    def __del__(self) -> None:
        os.close(self._told)

    def poll(self) -> int | None:
        """Return how it ended, or None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises subprocess.TimeoutExpired."""
        if self._code is None:
            self._code = self._read(timeout)
        return self._code

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _read(self, timeout: float | None) -> int:
        waiting = select.poll()
        waiting.register(self._told, select.POLLIN)
        if not waiting.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        told = os.read(self._told, 64)
        assert told, "the preloaded process is gone"
        return int(told)


class Preloaded:
    """An interpreter that has imported a module and forks where it is told."""

    def __init__(self, module: str) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.DEVNULL,
            )
        atexit.register(self.close)

    def start(self, environ: Mapping[str, str], folder: Path, log: IO[bytes]) -> Forked:
        """Fork a process with these variables in this folder."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = json.dumps({"environ": dict(environ), "folder": str(folder)}).encode()
        with theirs:
            socket.send_fds(self._socket, [request], [theirs.fileno(), log.fileno()])
        return Forked(ours.detach())

    def close(self) -> None:
        """End it; what it has forked lives on."""
        self._socket.close()
        self._process.wait(END_SECONDS)


@lru_cache
def _preloaded(module: str) -> Preloaded:
    return Preloaded(module)


def _serve(module: str, asked: socket.socket) -> None:
    """Fork for each request until nobody can ask any more."""
    del sys.modules[import_module(f"{module}.__main__").__name__]  # it is run, not imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # watchers end when nobody waits any more
    while True:
        request, descriptors, _, _ = socket.recv_fds(asked, REQUEST_BYTES, 2)
        if not request:
            return
        if os.fork() == 0:
            asked.close()
            _watch(module, json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _watch(module: str, request: dict[str, Any], told: int, log: int) -> None:
    """Fork the process, and tell its pid and how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    if (pid := os.fork()) == 0:
        os.close(told)
        _become(module, request, log)
    os.close(log)
    with contextlib.suppress(OSError):  # who asked has ended
        os.write(told, str(pid).encode())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(told, str(code).encode())
    os._exit(0)


def _become(module: str, request: dict[str, Any], log: int) -> None:
    """Be as `python -m` begins, and never return."""
    os.setsid()
    os.chdir(request["folder"])
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
