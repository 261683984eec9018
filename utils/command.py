"""Runs one command in a session of its own, with a deadline that takes its helpers along."""

import contextlib
import io
import math
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

BUFFER_BYTES = 1024 * 1024
KEPT_STDERR_BYTES = 16 * 1024
TERM_SECONDS = 2.0  # how long a command may clean up after SIGTERM
WATCH_SECONDS = 0.1


class DeadlinePassed(Exception):  # noqa: N818 - reads as what happened
    """The command did not end in time; it and its helpers are gone."""


@dataclass(frozen=True)
class Spec:
    """What to run: `input_bytes` is the whole standard input.

    `watch` is called every WATCH_SECONDS while the command runs, and ends it by raising.
    """

    argv: Sequence[str]
    environ: Mapping[str, str]
    cwd: Path
    timeout_seconds: float
    input_bytes: bytes = b""
    watch: Callable[[], None] | None = None


class Running:
    """A started command; `output` reads its standard output, under the command's deadline."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float, spec: Spec) -> None:
        self._process = process
        self._deadline = deadline
        self._watch = spec.watch
        self._watched_at = 0.0
        self._tail = b""
        self._stdout = _fileno(process.stdout)
        self._stderr: int | None = _fileno(process.stderr)
        self.output = io.BufferedReader(_Output(self), BUFFER_BYTES)

    @property
    def pid(self) -> int:
        """The leader of the command's own process group."""
        return self._process.pid

    @property
    def stderr(self) -> bytes:
        """The last part of standard error so far."""
        return self._tail

    def read_into(self, view: memoryview) -> int:
        """Read what is there of standard output; 0 at its end."""
        while True:
            ready = self._ready([self._stdout, self._stderr])
            if self._stderr in ready:
                self._read_stderr()
            if self._stdout in ready:
                chunk = os.read(self._stdout, len(view))
                view[: len(chunk)] = chunk
                return len(chunk)

    def finish(self) -> int:
        """Wait for the end and return the exit code (negative: a signal)."""
        while not self._has_ended():
            if self._ready([self._stderr], slice_seconds=0.001):
                self._read_stderr()
        while self._stderr is not None and _readable([self._stderr], 0):
            self._read_stderr()
        self.close()
        return self._process.returncode

    def close(self) -> None:
        """Leave nothing of the command running, and reap it."""
        if self._process.returncode is None:
            self._end_group()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _end_group(self) -> None:
        # The leader is reaped last: until then its group's number cannot be given to another.
        if not self._has_ended():
            self._signal(signal.SIGTERM)
            give_up = time.monotonic() + TERM_SECONDS
            while not self._has_ended() and time.monotonic() < give_up:
                time.sleep(0.01)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _has_ended(self) -> bool:
        flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, self._process.pid, flags) is not None

    def _ready(
        self, descriptors: Sequence[int | None], slice_seconds: float | None = None
    ) -> set[int]:
        now = time.monotonic()
        if now >= self._deadline:
            raise DeadlinePassed
        wait = self._deadline - now
        if self._watch is not None:
            if now - self._watched_at >= WATCH_SECONDS:
                self._watched_at = now
                self._watch()
            wait = min(wait, WATCH_SECONDS)
        wait = wait if slice_seconds is None else min(wait, slice_seconds)
        return _readable([one for one in descriptors if one is not None], wait)

    def _read_stderr(self) -> None:
        if self._stderr is None:
            return
        chunk = os.read(self._stderr, 65536)
        self._tail = (self._tail + chunk)[-KEPT_STDERR_BYTES:]
        if not chunk:
            self._stderr = None


class _Output(io.RawIOBase):
    """Standard output as a file; that it is closed or forgotten does not end the command."""

    def __init__(self, command: Running) -> None:
        self._command = command

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._command.read_into(memoryview(buffer))


@contextlib.contextmanager
def running(spec: Spec) -> Iterator[Running]:
    """Start a command; whatever happens in the block, nothing of it runs afterwards."""
    deadline = time.monotonic() + spec.timeout_seconds
    with _as_file(spec.input_bytes) as stdin:
        process = subprocess.Popen(
            spec.argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(spec.environ),
            cwd=spec.cwd,
            start_new_session=True,
            bufsize=0,
        )
    command = Running(process, deadline, spec)
    try:
        yield command
    finally:
        command.close()


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[IO[bytes] | int]:
    if not content:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


def _readable(descriptors: Sequence[int], wait_seconds: float) -> set[int]:
    poll = select.poll()  # unlike select(), it takes descriptors past 1024
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(math.ceil(wait_seconds * 1000))}


def _fileno(pipe: IO[bytes] | None) -> int:
    if pipe is None:  # both were asked for
        raise RuntimeError("a pipe is missing")
    return pipe.fileno()
