"""Forks a supervisor for each request on a socket, and ends what a killed supervisor left behind.

The launcher's process serves like this, and so does a warm process of an integration.
"""

import gc
import os
import select
import signal
import socket
import sys
import time
from typing import NoReturn

from utils.child_start import Again, Parent, Start
from utils.process_tree import kill_round, reap
from utils.supervisor import (
    END_SIGNAL,
    answer,
    become_subreaper,
    catch_signals,
    load_prctl,
    supervise,
)

LAST_WAIT_SECONDS = 12.0  # supervisors end their trees within this once the worker is gone
SWEEP_MILLISECONDS = 5


class ForkServer:
    """One thread: its request socket, its wake-up pipe and its living supervisors.

    `start` makes of a forked process what a request asks for; with `again` its supervisor stays
    for another request, see `utils.supervisor.supervise`. This process becomes a subreaper, and is
    never collected for garbage again, so that its pages stay shared with its forks.
    """

    def __init__(self, requests: socket.socket, start: Start, again: Again | None = None) -> None:
        self.requests = requests
        self.start = start
        self.again = again
        self.prctl = load_prctl()
        self.supervisors: set[int] = set()
        self.orphans_left = False
        become_subreaper(self.prctl)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the worker decides; its socket tells us
        self.wake = catch_signals(signal.SIGCHLD)
        gc.disable()
        gc.freeze()

    def serve(self) -> None:
        """Fork supervisors until the worker's end of the socket closes; wait for their ends."""
        poll = select.poll()
        poll.register(self.requests, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        last_moment = None
        while last_moment is None or (self._any_left() and time.monotonic() < last_moment):
            ready = dict(
                poll.poll(SWEEP_MILLISECONDS if self.orphans_left or last_moment else None)
            )
            if self.wake in ready:
                os.read(self.wake, 4096)
                self._let_stopped_go_on()
                self._note_ends()
            if self.orphans_left:
                self.orphans_left = kill_round(self.supervisors) > 0
                self._note_ends()
            if self.requests.fileno() in ready and not self._fork_supervisor():
                poll.unregister(self.requests)
                last_moment = time.monotonic() + LAST_WAIT_SECONDS
                self._end_supervisors()

    def _end_supervisors(self) -> None:
        for pid in self.supervisors:  # ours until they are reaped, so no pid is another's
            os.kill(pid, END_SIGNAL)

    def _any_left(self) -> bool:
        return bool(self.supervisors) or self.orphans_left

    def _let_stopped_go_on(self) -> None:
        """Undo what a child did that stopped its supervisor, to outlive its deadline."""
        while stopped := self._stopped_child():
            if stopped in self.supervisors:
                os.kill(stopped, signal.SIGCONT)

    def _stopped_child(self) -> int | None:
        try:
            stopped = os.waitid(os.P_ALL, 0, os.WSTOPPED | os.WNOHANG)
        except ChildProcessError:  # there is no child at all
            return None
        return stopped.si_pid if stopped else None

    def _note_ends(self) -> None:
        for pid, status in reap()[0].items():
            if pid not in self.supervisors or status != 0:
                self.orphans_left = True  # its tree may have outlived it
            self.supervisors.discard(pid)

    def _fork_supervisor(self) -> bool:
        control = _receive_control(self.requests)
        if control is None:
            return False
        server = Parent(os.getpid(), self.prctl)
        with control:
            try:
                pid = os.fork()
            except OSError as error:
                answer(control, {"error": f"cannot fork: {error}"})
                return True
            if pid == 0:
                self._be_supervisor(control, server)
        self.supervisors.add(pid)
        return True

    def _be_supervisor(self, control: socket.socket, server: Parent) -> NoReturn:
        code = 1
        try:
            self.requests.close()
            os.close(self.wake)
            os.close(signal.set_wakeup_fd(-1))
            supervise(control, server, self.start, self.again)
            code = 0
        except BaseException:  # noqa: BLE001 - the edge of a process
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)


def _receive_control(requests: socket.socket) -> socket.socket | None:
    try:
        data, fds, _flags, _address = socket.recv_fds(requests, 1, 1)
    except OSError:
        return None
    return socket.socket(fileno=fds[0]) if data and fds else None
