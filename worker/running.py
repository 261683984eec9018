"""A child that was asked for over a socket: the request, its channels, its start and its end.

A launcher and a warm process understand the same request, and answer in the same way.
"""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from utils.supervisor import KILL
from worker.errors import WorkerError

_CREDENTIALS = struct.Struct("3i")  # pid, user, group; see unix(7)
_CREDENTIALS_SPACE = socket.CMSG_SPACE(_CREDENTIALS.size)
ANSWER_BYTES = 64 * 1024  # of one; a plugin's process may say anything in a supervisor's place

Stdin = bytes | socket.socket
HandOver = Callable[[socket.socket], None]


class LaunchError(WorkerError):
    """A child process could not be started."""


class StarterLost(Exception):  # noqa: N818 - an event, answered by starting another
    """What was asked to start a child is gone or silent."""


@dataclass(frozen=True)
class Command:
    """What to start: the whole environment and working directory, limits by their RLIMIT_ name.

    A warm process starts no program: of its commands all but `argv` counts.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    rlimits: Mapping[str, int] = field(default_factory=dict)
    confine: Mapping[str, Any] = field(default_factory=dict)  # for a child of a warm process
    guard: Mapping[str, Any] | None = None  # the rules of a guard beside it
    closer: bool = False  # whether a helper closes the sandbox that it starts
    line: socket.socket | None = None  # to what jobs share; the child gets a copy
    signals_are_codes: bool = False  # what it starts by ends with 128 + n where that had signal n

    def as_request(self) -> bytes:
        """Return the line that the supervisor reads."""
        request = {
            "argv": self.argv,
            "env": dict(self.env),
            "cwd": str(self.cwd),
            "rlimits": dict(self.rlimits),
            "confine": dict(self.confine),
            "closer": self.closer,
            "guard": None if self.guard is None else dict(self.guard),
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
        self.pid = 0  # in a sandbox, as those see it that are inside
        self.supervisor: int | None = None  # its pid here; None where the system does not tell
        self.stdin: int | None = channels.stdin
        self.events, self.stdout, self.stderr = channels.events, channels.stdout, channels.stderr
        self._control = control
        self._answers = b""
        self._unfed = memoryview(stdin)
        self.signals_are_codes = False
        self.printed_before = (b"", b"")  # stdout and stderr of what it was forked from
        self._exit: Exit | None = None
        self._was_killed = False
        self.left_over = False  # it has ended, and something is there that the next would find
        self.orphaned = False  # it was ended since what it was forked from is dead
        self.is_starter_dead: Callable[[], bool] = lambda: (
            False
        )  # asked where nobody is left to say
        self.on_close: Callable[[], None] | None = None
        self.give_back: Callable[[socket.socket], None] | None = None

    def fileno(self) -> int:
        """Return what becomes readable when the child has ended, for a selector."""
        return self._control.fileno()

    @property
    def has_word(self) -> bool:
        """Whether its end came together with the word of its start: no selector tells of it."""
        return b"\n" in self._answers

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
        if self._exit is None:
            self._was_killed = True
            with contextlib.suppress(OSError):
                self._control.send(KILL)

    def wait(self, timeout: float | None = None) -> Exit | None:
        """Return how it ended, once nothing of its tree is left; None after `timeout` seconds."""
        if self._exit is None:
            try:
                answer = self._next_answer(timeout)
            except TimeoutError:
                return None
            except StarterLost:
                answer = {"code": None, "signal": None, "orphaned": self.is_starter_dead()}
            self.left_over = bool(answer.get("left_over"))
            self.orphaned = bool(answer.get("orphaned"))
            self._exit = _exit_of(answer, signals_are_codes=self.signals_are_codes)
        return self._exit

    def close(self) -> None:
        """Give up every descriptor; a child that still runs is ended by that.

        A supervisor whose child ended by itself may get another, where somebody takes it back.
        """
        if self.give_back is not None and self._may_have_another():
            self.give_back(self._control)
        else:
            self._control.close()
        self.give_back = None
        if self.on_close is not None:
            self.on_close()
            self.on_close = None
        self.close_channels()

    def close_channels(self) -> None:
        """Give up the channels alone; the child goes on, and is ended by `close`."""
        for fd in {self.stdin, self.events, self.stdout, self.stderr} - {None, -1}:
            os.close(fd)  # type: ignore[arg-type]  # None was taken out
        self.stdin = None
        self.events = self.stdout = self.stderr = -1

    def await_start(self, timeout: float) -> None:
        """Wait until the child runs its program, or raise."""
        try:
            answer = self._next_answer(timeout)
        except TimeoutError as error:
            raise StarterLost from error
        if "error" in answer:
            raise LaunchError(
                f"a child process did not start: {answer['error']}",
                "check the path, and the limits on memory and processes of this machine",
            )
        pid = _number(answer, "pid")
        if pid is None:
            raise StarterLost
        self.pid = pid

    def _may_have_another(self) -> bool:
        ended = self._exit not in {None, Exit(None, None)}
        return ended and not self._was_killed and not self._answers

    def _next_answer(self, timeout: float | None) -> dict[str, Any]:
        until = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._answers:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not _readable(self._control, left):
                raise TimeoutError
            try:
                piece = self._receive()
            except OSError as error:
                raise StarterLost from error
            if not piece or len(self._answers) > ANSWER_BYTES:
                raise StarterLost
            self._answers += piece
        line, _, self._answers = self._answers.partition(b"\n")
        return _parsed(line)

    def _receive(self) -> bytes:
        """Receive what the supervisor says, and who it is among our processes."""
        data, notes, _flags, _address = self._control.recvmsg(65536, _CREDENTIALS_SPACE)
        for _level, _kind, credentials in notes:
            self.supervisor = _CREDENTIALS.unpack(credentials)[0]
        return data


@dataclass
class _Channels:
    """The four channels of a child: our ends, and the child's until they are handed over."""

    stdin: int | None
    events: int
    stdout: int
    stderr: int
    childs: tuple[int, ...]  # its stdin, stdout, stderr and events; its line, if it has one

    @classmethod
    def open(cls, stdin: Stdin, line: socket.socket | None) -> Self:
        with contextlib.ExitStack() as unless_all_are:  # there may be no more descriptors
            pipes = [_pipe(unless_all_are) for _ in range(3)]
            (events, events_write), (out, out_write), (err, err_write) = pipes
            for fd in (events, out, err):
                os.set_blocking(fd, False)
            lines = () if line is None else (_copy(unless_all_are, line),)
            stdin_write = None
            if isinstance(stdin, socket.socket):
                stdin_read = _copy(unless_all_are, stdin)
            else:
                stdin_read, stdin_write = _pipe(unless_all_are)
                os.set_blocking(stdin_write, False)
            unless_all_are.pop_all()
        childs = (stdin_read, out_write, err_write, events_write, *lines)
        return cls(stdin_write, events, out, err, childs)


def _pipe(closing: contextlib.ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for fd in ends:
        closing.callback(os.close, fd)
    return ends


def _copy(closing: contextlib.ExitStack, of: socket.socket) -> int:
    fd = os.dup(of.fileno())
    closing.callback(os.close, fd)
    return fd


def ask_for_child(
    hand_over: HandOver, command: "Command", stdin: Stdin, answer_seconds: float
) -> "Running":
    """Start `command` by whoever `hand_over` gives a control socket to; stdin may be a socket.

    Raises StarterLost when there is no answer, LaunchError when the answer is no.
    """
    control = open_control(hand_over, answer_seconds)
    return ask_supervisor(control, command, stdin, answer_seconds)


def open_control(hand_over: HandOver, answer_seconds: float) -> socket.socket:
    """Return the control socket of a supervisor that is being forked; raises StarterLost."""
    ours, theirs = socket.socketpair()
    ours.settimeout(answer_seconds)
    if sys.platform == "linux":
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    try:
        with theirs:
            hand_over(theirs)
    except OSError as error:
        ours.close()
        raise StarterLost from error
    return ours


def ask_supervisor(
    control: socket.socket, command: "Command", stdin: Stdin, answer_seconds: float
) -> "Running":
    """Start `command` by the supervisor at the other end of `control`, which is closed on failure.

    Raises what `ask_for_child` raises.
    """
    try:
        channels = _Channels.open(stdin, command.line)
    except OSError as error:
        control.close()
        raise LaunchError(
            f"a child process did not start: {error.strerror}",
            "let the worker open more files at once: `LimitNOFILE` of its unit, or `ulimit -n`",
        ) from error
    running = Running(control, channels, stdin if isinstance(stdin, bytes) else b"")
    running.signals_are_codes = command.signals_are_codes
    try:
        running.feed()  # it waits in the pipe: a child that runs need not wait for us
        _send_request(control, command.as_request(), channels)
        running.await_start(answer_seconds)
    except OSError as error:
        running.close()
        raise StarterLost from error
    except BaseException:
        running.close()
        raise
    return running


def _send_request(control: socket.socket, request: bytes, channels: "_Channels") -> None:
    try:
        sent = socket.send_fds(control, [request], channels.childs)
        control.sendall(request[sent:])
    finally:
        for fd in channels.childs:
            os.close(fd)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StarterLost from error
    if not isinstance(answer, dict):
        raise StarterLost
    return answer


def _exit_of(answer: Mapping[str, Any], *, signals_are_codes: bool) -> Exit:
    code = _number(answer, "code")
    if signals_are_codes and code is not None and code - 128 in signal.valid_signals():
        return Exit(None, code - 128)
    return Exit(code, _number(answer, "signal"))


def _number(answer: Mapping[str, Any], name: str) -> int | None:
    value = answer.get(name)
    return value if isinstance(value, int) else None


def _readable(channel: socket.socket, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(None if timeout is None else 1000 * timeout))
