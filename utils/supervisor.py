"""The supervisor: starts a job's child and takes its whole tree down at the end, then the next.

Runs in a fork of a ForkServer with the standard library alone. What it is told and what it answers
goes over one control socket, a JSON line each way; when that socket closes, the worker is gone.
"""

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from utils.process_tree import end_descendants, reap

KILL = b"k"
END_SIGNAL = signal.SIGUSR1  # from the fork server, or in its name when it dies
END_SECONDS = 10.0  # how long the tree's end may take before the server inherits what is left
REQUEST_LIMIT_BYTES = 4 * 1024 * 1024
CHILD_FDS = (0, 1, 2, 3, 7)  # stdin, stdout, stderr, events; the line of utils.commons, if any
_STATUS_FD = 4
_CLEAR_FD = 10  # descriptors are moved here first, clear of the places that they go to
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# Makes of a forked process what the request asks for and never returns, or raises why it cannot.
# Calls its second argument once the child has begun, unless that is an exec, which tells by itself.
Start = Callable[[Mapping[str, Any], Callable[[], None]], NoReturn]
# Whether children have left something that the next ones would find.
LeftOver = Callable[[], bool]


class Parent(NamedTuple):
    """Who must be alive for this process to go on."""

    pid: int
    prctl: Any  # the C library's, or None where the system has none

    def ask_for_its_death(self, number: signal.Signals) -> None:
        """Have the kernel send us `number` when it dies, where the kernel can."""
        if self.prctl is not None:
            self.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)

    def is_gone(self) -> bool:
        """Whether another process has adopted us."""
        return os.getppid() != self.pid


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
    control: socket.socket, server: Parent, start: Start, left_over: LeftOver | None = None
) -> None:
    """Run the child that `control` asks for, and report its end once nothing of its tree is left.

    With `left_over` it may ask for another after that, until it closes.
    """
    os.setsid()
    become_subreaper(server.prctl)
    wake = catch_signals(signal.SIGCHLD, signal.SIGTERM, END_SIGNAL)
    # A signal that can be caught: after SIGKILL nobody would be left to end the child's children.
    server.ask_for_its_death(END_SIGNAL)
    ears = _Ears(control, wake, server, _caught_signals())
    look = left_over or nothing_is_left
    while ears.is_asked() and _run_child(ears, start, look) and left_over is not None:
        pass


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


def nothing_is_left() -> bool:
    """Say so, where children share no place that they may write to."""
    return False


class _Ears(NamedTuple):
    """What a process here depends on; `caught` are the signals that a child shall not catch."""

    control: socket.socket
    wake: int
    server: Parent
    caught: Sequence[int]

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


def _run_child(ears: _Ears, start: Start, left_over: LeftOver) -> bool:
    """Run one child to its end; whether this process may run another after it."""
    request, fds = _receive_request(ears.control)
    if request is None:
        return False
    try:
        pid = _start_child(request, fds, ears, start)
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
    answer(ears.control, {**ending, "left_over": left_over()})
    return status is not None and not is_any_left


def _receive_request(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    data, fds, _flags, _address = socket.recv_fds(control, 65536, len(CHILD_FDS))
    while not data.endswith(b"\n"):
        more = control.recv(65536) if data else b""
        if not more or len(data) > REQUEST_LIMIT_BYTES:
            return None, []
        data += more
    return json.loads(data), fds


def _start_child(request: Mapping[str, Any], fds: Sequence[int], ears: _Ears, start: Start) -> int:
    # The status pipe closes when the child has begun, by itself at an exec; else it says why not.
    status_read, status_write = os.pipe()
    of_child = ears._replace(server=Parent(os.getpid(), ears.server.prctl))
    pid = os.fork()
    if pid == 0:
        _become_child(request, (*fds, status_write), of_child, start)
    os.close(status_write)
    reason = b""
    while piece := os.read(status_read, 4096):
        reason += piece
    os.close(status_read)
    if reason:
        raise OSError(reason.decode("utf-8", "replace"))
    return pid


def _become_child(
    request: Mapping[str, Any], fds: Sequence[int], ears: _Ears, start: Start
) -> NoReturn:
    status, step = fds[-1], "cannot prepare the process: "
    try:
        os.setsid()
        ears.server.ask_for_its_death(signal.SIGKILL)
        if ears.server.is_gone():
            os._exit(127)
        _place_fds(fds)
        status = _STATUS_FD
        os.umask(0o077)
        _reset_signals(ears.caught)
        _offer_to_oom_killer()
        for name, limit in request["rlimits"].items():
            _limit(getattr(resource, name), limit)
        step = f"cannot enter {request['cwd']}: "
        os.chdir(request["cwd"])
        step = ""
        start(request, lambda: os.close(_STATUS_FD))
    except BaseException as error:  # noqa: BLE001 - the edge of a process: the worker gets the reason
        os.write(status, f"{step}{error}".encode()[:4000])
    finally:
        os._exit(127)


def _place_fds(fds: Sequence[int]) -> None:
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _CLEAR_FD) for fd in fds]
    places = CHILD_FDS[: len(moved) - 1]
    for fd, place in zip(moved[:-1], places, strict=True):
        os.dup2(fd, place, inheritable=True)
    os.dup2(moved[-1], _STATUS_FD, inheritable=False)
    last = max(*places, _STATUS_FD)
    os.closerange(_STATUS_FD + 1, last)
    os.closerange(last + 1, os.sysconf("SC_OPEN_MAX"))


def _caught_signals() -> tuple[int, ...]:
    """Return the signals that are caught or ignored here."""
    default = {signal.SIG_DFL, None}
    return tuple(
        number for number in signal.valid_signals() if signal.getsignal(number) not in default
    )


def _reset_signals(caught: Sequence[int]) -> None:
    for number in caught:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _offer_to_oom_killer() -> None:
    # When the machine runs out of memory, a job shall end before the worker or this supervisor.
    try:
        file = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(file, b"500")
        os.close(file)
    except OSError:
        return  # a system without it, or one that forbids it


def _limit(kind: int, wanted: int) -> None:
    _soft, hard = resource.getrlimit(kind)
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, value))


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
