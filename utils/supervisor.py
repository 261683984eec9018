"""The supervisor: starts a job's child and takes its whole tree down at the end, then the next.

Runs in a fork of a ForkServer with the standard library alone. What it is told and what it answers
goes over one control socket, a JSON line each way; when that socket closes, the worker is gone.
"""

import ctypes
import json
import os
import select
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from utils.child_start import (
    CHILD_FDS,
    Again,
    LeftOver,
    Origin,
    Parent,
    Prepare,
    Start,
    Waiting,
    nothing_is_left,
    receive_request,
)
from utils.process_tree import end_descendants, reap

KILL = b"k"
END_SIGNAL = signal.SIGUSR1  # from the fork server, or in its name when it dies
END_SECONDS = 10.0  # how long the tree's end may take before the server inherits what is left
_PR_SET_CHILD_SUBREAPER = 36


def load_prctl() -> Any:
    """Return the C library's prctl, or None where the system has none."""
    return getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)


def become_subreaper(prctl: Any) -> None:
    """Let orphaned descendants become this process's children instead of init's."""
    if prctl is not None:
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def catch_signals(*numbers: signal.Signals) -> int:
    """Make these signals readable; return the descriptor that becomes readable with each."""
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return wake


def supervise(
    control: socket.socket, server: Parent, start: Start, again: Again | None = None
) -> None:
    """Run the child that `control` asks for, and report its end once nothing of its tree is left.

    With `again` it may ask for another after that, until it closes: each is forked ahead.
    """
    os.setsid()
    become_subreaper(server.prctl)
    wake = catch_signals(signal.SIGCHLD, signal.SIGTERM, END_SIGNAL)
    # A signal that can be caught: after SIGKILL nobody would be left to end the child's children.
    server.ask_for_its_death(END_SIGNAL)
    ears = _Ears(control, wake, server)
    origin = Origin(server.prctl, _caught_signals(), start)
    if again is not None:
        _run_children(ears, origin, again)
    elif ears.is_asked():
        _run_child(ears, origin.fork, nothing_is_left)


def start_program(request: Mapping[str, Any], _begun: Callable[[], None]) -> NoReturn:
    """Become the program that the request names; the way in which the launcher starts children."""
    program: str = request["argv"][0]
    try:
        os.execve(program, request["argv"], request["env"])  # noqa: S606 - no shell meant
    except OSError as error:
        raise OSError(f"cannot start {program}: {error}") from error


def answer(control: socket.socket, message: Mapping[str, Any]) -> None:
    """Tell the worker, if it is still there."""
    try:
        control.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        return  # the worker is gone; ending the tree is what counts


class _Ears(NamedTuple):
    """What a process here depends on."""

    control: socket.socket
    wake: int
    server: Parent

    def is_asked(self) -> bool:
        """Wait for something on the control socket; False when this process has to end."""
        while not self.server.is_gone():
            is_asked, is_to_end = self.hear()
            if is_asked or is_to_end:
                return not is_to_end
        return False

    def hear(self) -> tuple[bool, bool]:
        """Wait; whether there is something on the control socket, whether we have to end."""
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        look_again = None if self.server.prctl else 1000  # no prctl: nothing tells us of its death
        ready = dict(poll.poll(look_again))
        is_to_end = self.wake in ready and END_SIGNAL in os.read(self.wake, 4096)
        return self.control.fileno() in ready, is_to_end or self.server.is_gone()


def _run_children(ears: _Ears, origin: Origin, again: Again) -> None:
    """Run one child after the other; each waits already when it is asked for."""
    waiting = _fork_ahead(origin, again.prepare)

    def begin(request: bytes, fds: Sequence[int]) -> int:
        pid = waiting.begin(request, fds) if waiting else None
        if pid is None:
            pid = origin.fork_ahead(again.prepare).begin(request, fds)
        if pid is None:
            raise OSError("the process that was to become it was killed")
        return pid

    while ears.is_asked() and _run_child(ears, begin, again.left_over):
        waiting = _fork_ahead(origin, again.prepare)
    if waiting is not None and not waiting.is_asked:
        waiting.requests.close()
        end_descendants(END_SECONDS, first_group=waiting.pid)


def _fork_ahead(origin: Origin, prepare: Prepare) -> Waiting | None:
    try:
        return origin.fork_ahead(prepare)
    except OSError:
        return None  # no process is to be had now; the job that asks for it may be luckier


def _run_child(
    ears: _Ears, begin: Callable[[bytes, Sequence[int]], int], left_over: LeftOver
) -> bool:
    """Run one child to its end; whether this process may run another after it."""
    request, fds = receive_request(ears.control, len(CHILD_FDS))
    if not request:
        return False
    try:
        pid = begin(request, fds)
    except OSError as error:
        answer(ears.control, {"error": str(error)})
        return False
    for fd in fds:
        os.close(fd)
    answer(ears.control, {"pid": pid})
    status = _wait_for_end(pid, ears)
    ended = end_descendants(END_SECONDS, first_group=pid)
    is_any_left = reap()[1]  # what could not be killed must not count as the next one's
    ending = _ending(ended.get(pid) if status is None else status)
    orphaned = status is None and ears.server.is_gone()
    answer(ears.control, {**ending, "left_over": left_over(), "orphaned": orphaned})
    return status is not None and not is_any_left


def _caught_signals() -> tuple[int, ...]:
    """Return the signals that are caught or ignored here."""
    default = {signal.SIG_DFL, None}
    return tuple(
        number for number in signal.valid_signals() if signal.getsignal(number) not in default
    )


def _wait_for_end(pid: int, ears: _Ears) -> int | None:
    """Return the child's wait status once it ended; None when there is a reason to end it."""
    status = reap()[0].get(pid)
    while status is None and not ears.server.is_gone():
        is_asked, is_to_end = ears.hear()
        if is_asked or is_to_end:
            break  # a kill was asked for, or the worker or the server is gone
        status = reap()[0].get(pid)
    return status


def _ending(status: int | None) -> dict[str, int | None]:
    if status is None:
        return {"code": None, "signal": int(signal.SIGKILL)}
    code = os.waitstatus_to_exitcode(status)
    return {"code": None, "signal": -code} if code < 0 else {"code": code, "signal": None}
