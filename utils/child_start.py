"""Turns a forked process into the child that a request asks for: at once, or one that waits for it.

A process that was forked ahead has done all that does not depend on the request: a job that is
handed to it does not wait for the fork.
"""

import fcntl
import json
import os
import resource
import signal
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

CHILD_FDS = (0, 1, 2, 3, 7)  # stdin, stdout, stderr, events; the line of utils.commons, if any
REQUEST_LIMIT_BYTES = 4 * 1024 * 1024
_STATUS_FD = 4
_CLEAR_FD = 10  # descriptors are moved here first, clear of the places that they go to
_PR_SET_PDEATHSIG = 1

# Makes of a forked process what the request asks for and never returns, or raises why it cannot.
# Calls its second argument once the child has begun, unless that is an exec, which tells by itself.
Start = Callable[[Mapping[str, Any], Callable[[], None]], NoReturn]
# Does in a process that was forked ahead what every request needs; returns what to keep open.
Prepare = Callable[[], Collection[int]]
# Whether children have left something that the next ones would find.
LeftOver = Callable[[], bool]


def nothing_is_left() -> bool:
    """Say so, where children share no place that they may write to."""
    return False


class Again(NamedTuple):
    """What is done and asked where one process runs a child after the other."""

    prepare: Prepare = tuple
    left_over: LeftOver = nothing_is_left


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


class Origin(NamedTuple):
    """What a child comes from; `caught` are the signals that it shall not catch."""

    prctl: Any
    caught: Sequence[int]
    start: Start

    def fork(self, request: bytes, fds: Sequence[int]) -> int:
        """Start a child and return its pid once it has begun; raises OSError when it cannot."""
        # The status pipe closes when the child has begun, by itself at an exec; else it says why
        # not.
        status_read, status_write = os.pipe()
        parent = Parent(os.getpid(), self.prctl)
        pid = os.fork()
        if pid == 0:
            asked = json.loads(request), (*fds, status_write), ()
            _become_child(self, parent, status_write, lambda: asked)
        os.close(status_write)
        _await_begin(status_read)
        return pid

    def fork_ahead(self, prepare: Prepare) -> "Waiting":
        """Fork a process that waits for a request."""
        ours, theirs = socket.socketpair()
        parent = Parent(os.getpid(), self.prctl)
        pid = os.fork()
        if pid == 0:
            _become_child(self, parent, None, lambda: _wait_for_request(theirs, prepare))
        theirs.close()
        return Waiting(pid, ours)


class Waiting(NamedTuple):
    """A process that was forked ahead; it ends when its socket closes."""

    pid: int
    requests: socket.socket

    @property
    def is_asked(self) -> bool:
        """Whether it has had its request."""
        return self.requests.fileno() < 0

    def begin(self, request: bytes, fds: Sequence[int]) -> int | None:
        """Let it become the child; return its pid once it has, None if it died while it waited.

        Raises OSError when it cannot begin.
        """
        status_read, status_write = os.pipe()
        try:
            with self.requests:
                if not self._hand_over(request, (*fds, status_write)):
                    os.close(status_read)
                    return None
        finally:
            os.close(status_write)
        _await_begin(status_read)
        return self.pid

    def _hand_over(self, request: bytes, fds: Sequence[int]) -> bool:
        """Send all of the request; False when nobody was there to get its beginning."""
        try:
            sent = socket.send_fds(self.requests, [request], fds)
        except (BrokenPipeError, ConnectionResetError):
            return False
        if sent < len(request):  # who has all of it may have closed the socket: send no nothing
            self.requests.sendall(request[sent:])
        return True


def receive_request(control: socket.socket, most_fds: int) -> tuple[bytes, list[int]]:
    """Receive a line and its descriptors; the line is empty when there is none, or too much."""
    data, fds, _flags, _address = socket.recv_fds(control, 65536, most_fds)
    while not data.endswith(b"\n"):
        more = control.recv(65536) if data else b""
        if not more or len(data) > REQUEST_LIMIT_BYTES:
            return b"", fds
        data += more
    return data, fds


def _await_begin(status: int) -> None:
    reason = b""
    while piece := os.read(status, 4096):
        reason += piece
    os.close(status)
    if reason:
        raise OSError(reason.decode("utf-8", "replace"))


_Asked = tuple[Mapping[str, Any], Sequence[int], Collection[int]]


def _become_child(
    origin: Origin, parent: Parent, status: int | None, ask: Callable[[], _Asked]
) -> NoReturn:
    """Leave the parent, `ask` for the request, its descriptors and those to keep, and start."""
    step = "cannot prepare the process: "
    try:
        os.setsid()
        parent.ask_for_its_death(signal.SIGKILL)
        if parent.is_gone():
            os._exit(127)
        os.umask(0o077)
        _reset_signals(origin.caught)
        _offer_to_oom_killer()
        request, fds, kept = ask()
        status = fds[-1]
        _place_fds(fds, kept)
        status = _STATUS_FD
        for name, limit in request["rlimits"].items():
            _limit(getattr(resource, name), limit)
        step = f"cannot enter {request['cwd']}: "
        os.chdir(request["cwd"])
        step = ""
        origin.start(request, lambda: os.close(_STATUS_FD))
    except BaseException as error:  # noqa: BLE001 - the edge of a process: the worker gets the reason
        if status is not None:
            os.write(status, f"{step}{error}".encode()[:4000])
    finally:
        os._exit(127)


def _wait_for_request(requests: socket.socket, prepare: Prepare) -> _Asked:
    asked = fcntl.fcntl(requests.fileno(), fcntl.F_DUPFD_CLOEXEC, _CLEAR_FD)
    for place in (_STATUS_FD, CHILD_FDS[-1]):  # what is kept shall get the place of neither
        fcntl.fcntl(asked, fcntl.F_DUPFD_CLOEXEC, place)
    kept, reason = _prepared(prepare)
    _close_all_but((asked, *kept))
    with socket.socket(fileno=asked) as mine:
        line, fds = receive_request(mine, len(CHILD_FDS) + 1)
    if not line:
        os._exit(0)  # no request will come
    if reason:
        os.write(fds[-1], reason.encode()[:4000])
        os._exit(127)
    return json.loads(line), fds, kept


def _prepared(prepare: Prepare) -> tuple[Collection[int], str]:
    """Return what to keep open, and what went wrong: told to the one who asks."""
    try:
        return prepare(), ""
    except Exception as error:  # noqa: BLE001 - the edge of a process: the worker gets the reason
        return (), f"cannot prepare the process: {error}"


def _place_fds(fds: Sequence[int], kept: Collection[int]) -> None:
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _CLEAR_FD) for fd in fds]
    places = CHILD_FDS[: len(moved) - 1]
    for fd, place in zip(moved[:-1], places, strict=True):
        os.dup2(fd, place, inheritable=True)
    os.dup2(moved[-1], _STATUS_FD, inheritable=False)
    _close_all_but({*kept, *(place for place in places if place > _STATUS_FD)})


def _close_all_but(kept: Collection[int]) -> None:
    """Close what lies above the status pipe; what is `kept` lies there."""
    first = _STATUS_FD + 1
    for fd in sorted(kept):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


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
