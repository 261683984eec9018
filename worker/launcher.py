"""The worker's side of the launcher: start it, start it again when it died, spawn children by it.

The launcher runs in a process of its own (`worker.launcher_process`), so children don't depend on
which thread of the worker asked for them, and live no longer than the worker does.
"""

import socket
import subprocess
import threading
from contextlib import ExitStack
from typing import Self

from worker.running import (
    Command,
    Exit,
    LaunchError,
    Running,
    StarterLost,
    Stdin,
    ask_for_child,
)
from worker.side_process import start_side_process

__all__ = ["Command", "Exit", "LaunchError", "Launcher", "Running"]

ANSWER_SECONDS = 15.0  # a start takes milliseconds; a launcher silent for this long is replaced


class Launcher:
    """A launcher process; any thread may spawn by it. Start one before the worker has threads."""

    def __init__(self, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self._lock = threading.Lock()
        self._is_open = True
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

    def spawn(self, command: Command, stdin: Stdin = b"") -> Running:
        """Start `command`; its stdin is fed as far as it goes, `feed` the rest.

        Its stdin may be a socket as well. Raises LaunchError when it cannot be started.
        """
        for _ in range(2):
            requests = self._requests
            try:
                return ask_for_child(self._hand_over, command, stdin, self._answer_seconds)
            except StarterLost:
                self._replace(requests)
        raise LaunchError(
            "a child process did not start: its launcher ended twice",
            "look for what kills the worker's processes; restart the worker",
        )

    def close(self) -> None:
        """End the launcher, and with it every child that it has started."""
        with self._lock:
            self._is_open = False
            self._end_process(patience_seconds=ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hand_over(self, control: socket.socket) -> None:
        with self._lock:
            if self._requests is None:
                raise OSError("there is no launcher now")
            socket.send_fds(self._requests, [b"s"], [control.fileno()])

    def _replace(self, lost: socket.socket | None) -> None:
        with self._lock:
            if self._requests is not lost or not self._is_open:
                return  # another thread was faster, or close() was called
            self._end_process(patience_seconds=0.5)
            try:
                self._start_process()
            except OSError as error:
                raise LaunchError(
                    f"a child process did not start: nor did its launcher ({error.strerror})",
                    "see that this machine has memory and processes to spare; the next job tries "
                    "again",
                ) from error

    def _start_process(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(self._answer_seconds)
        with theirs, ExitStack() as unless_started:
            unless_started.enter_context(ours)
            self._process = start_side_process(
                "launcher_process.serve_launcher", theirs, options=("-I", "-S")
            )
            unless_started.pop_all()
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
