"""The worker's side of the launcher: start it, start it again when it died, spawn children by it.

The launcher runs in a process of its own (`worker.launcher_process`), so children don't depend on
which thread of the worker asked for them, and live no longer than the worker does.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from utils.supervisor import KILL
from worker.errors import WorkerError

ANSWER_SECONDS = 15.0  # a start takes milliseconds; a launcher silent for this long is replaced
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from worker.launcher_process import serve_launcher; serve_launcher(int(sys.argv[2]))"
)


class LaunchError(WorkerError):
    """A child process could not be started."""


class _LauncherLost(Exception):  # noqa: N818 - an event, answered by starting another
    """The launcher is gone or silent."""


@dataclass(frozen=True)
class Command:
    """What to start: the whole environment and working directory, limits by their RLIMIT_ name."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    rlimits: Mapping[str, int] = field(default_factory=dict)

    def as_request(self) -> bytes:
        """Return the line that the supervisor reads."""
        request = {
            "argv": self.argv,
            "env": dict(self.env),
            "cwd": str(self.cwd),
            "rlimits": dict(self.rlimits),
        }
        return json.dumps(request).encode() + b"\n"


@dataclass(frozen=True)
class Exit:
    """How a child ended; both None when its supervisor was killed and cannot tell."""

    code: int | None
    signal: int | None


class Running:
    """A child that was started: its channels, and the word with its supervisor."""

    def __init__(self, control: socket.socket, channels: "_Channels", stdin: bytes) -> None:
        self.pid = 0
        self.stdin: int | None = channels.stdin
        self.events, self.stdout, self.stderr = channels.events, channels.stdout, channels.stderr
        self._control = control
        self._answers = b""
        self._unfed = memoryview(stdin)
        self._exit: Exit | None = None

    def fileno(self) -> int:
        """Return what becomes readable when the child has ended, for a selector."""
        return self._control.fileno()

    def feed(self) -> bool:
        """Write to the child's stdin what fits now; True once all of it went, and it is closed."""
        if self.stdin is None:
            return True
        try:
            while self._unfed:
                self._unfed = self._unfed[os.write(self.stdin, self._unfed) :]
        except BlockingIOError:
            return False
        except BrokenPipeError:
            self._unfed = memoryview(b"")  # it ended, or closed its stdin
        os.close(self.stdin)
        self.stdin = None
        return True

    def kill(self) -> None:
        """Ask for the end of the child and of everything that it started."""
        with contextlib.suppress(OSError):
            self._control.send(KILL)

    def wait(self, timeout: float | None = None) -> Exit | None:
        """Return how it ended, once nothing of its tree is left; None after `timeout` seconds."""
        if self._exit is None:
            try:
                answer = self._next_answer(timeout)
            except TimeoutError:
                return None
            except _LauncherLost:
                answer = {"code": None, "signal": None}
            self._exit = Exit(answer["code"], answer["signal"])
        return self._exit

    def close(self) -> None:
        """Give up every descriptor; a child that still runs is ended by that."""
        self._control.close()
        for fd in {self.stdin, self.events, self.stdout, self.stderr} - {None, -1}:
            os.close(fd)  # type: ignore[arg-type]  # None was taken out
        self.stdin = None
        self.events = self.stdout = self.stderr = -1

    def await_start(self, timeout: float) -> None:
        """Wait until the child runs its program, or raise."""
        try:
            answer = self._next_answer(timeout)
        except TimeoutError as error:
            raise _LauncherLost from error
        if "error" in answer:
            raise LaunchError(
                f"a child process did not start: {answer['error']}",
                "check the path, and the limits on memory and processes of this machine",
            )
        self.pid = answer["pid"]

    def _next_answer(self, timeout: float | None) -> dict[str, Any]:
        until = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._answers:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not _readable(self._control, left):
                raise TimeoutError
            try:
                piece = self._control.recv(65536)
            except OSError as error:
                raise _LauncherLost from error
            if not piece:
                raise _LauncherLost
            self._answers += piece
        line, _, self._answers = self._answers.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass
class _Channels:
    """The four pipes of a child: our ends, and the child's until they are handed over."""

    stdin: int
    events: int
    stdout: int
    stderr: int
    childs: tuple[int, ...]  # its stdin, stdout, stderr and events

    @classmethod
    def open(cls) -> Self:
        stdin_read, stdin = os.pipe()
        (events, events_write), (out, out_write), (err, err_write) = (os.pipe() for _ in range(3))
        for fd in (stdin, events, out, err):
            os.set_blocking(fd, False)
        return cls(stdin, events, out, err, (stdin_read, out_write, err_write, events_write))


class Launcher:
    """A launcher process; any thread may spawn by it. Start one before the worker has threads."""

    def __init__(self, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    @classmethod
    def start(cls, answer_seconds: float = ANSWER_SECONDS) -> Self:
        """Start a launcher's process; it is replaced when it stays silent for `answer_seconds`."""
        launcher = cls(answer_seconds)
        launcher._start_process()
        return launcher

    @property
    def pid(self) -> int:
        """The process that serves now."""
        return self._process.pid if self._process else 0

    def spawn(self, command: Command, stdin: bytes = b"") -> Running:
        """Start `command`; its stdin is fed as far as it goes, `feed` the rest.

        Raises LaunchError when it cannot be started.
        """
        request = command.as_request()
        for _ in range(2):
            requests = self._requests
            try:
                return self._spawn(request, stdin)
            except _LauncherLost:
                self._replace(requests)
        raise LaunchError(
            "a child process did not start: its launcher ended twice",
            "look for what kills the worker's processes; restart the worker",
        )

    def close(self) -> None:
        """End the launcher, and with it every child that it has started."""
        with self._lock:
            self._end_process(patience_seconds=ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spawn(self, request: bytes, stdin: bytes) -> Running:
        ours, theirs = socket.socketpair()
        ours.settimeout(self._answer_seconds)
        channels = _Channels.open()
        running = Running(ours, channels, stdin)
        try:
            with theirs:
                self._hand_over(theirs)
            socket.send_fds(ours, [request[:1]], channels.childs)
            ours.sendall(request[1:])
        except OSError as error:
            running.close()
            raise _LauncherLost from error
        finally:
            for fd in channels.childs:
                os.close(fd)
        try:
            running.await_start(self._answer_seconds)
            running.feed()
        except BaseException:
            running.close()
            raise
        return running

    def _hand_over(self, control: socket.socket) -> None:
        with self._lock:
            if self._requests is None:
                raise OSError("the launcher was closed")
            socket.send_fds(self._requests, [b"s"], [control.fileno()])

    def _replace(self, lost: socket.socket | None) -> None:
        with self._lock:
            if self._requests is not lost or lost is None:
                return  # another thread was faster, or close() was called
            self._end_process(patience_seconds=0.5)
            self._start_process()

    def _start_process(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(self._answer_seconds)
        root = str(Path(__file__).parent.parent)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, root, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={"LANG": "C.UTF-8"},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._requests = ours

    def _end_process(self, patience_seconds: float) -> None:
        if self._process is None or self._requests is None:
            return
        self._requests.close()
        try:
            self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process, self._requests = None, None


def _readable(channel: socket.socket, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(None if timeout is None else 1000 * timeout))
