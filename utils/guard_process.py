"""The process that a guard is: forked beside what becomes a sandbox, it ends with it."""

import ctypes
import gc
import os
import signal
import socket
import struct
from collections.abc import Mapping
from typing import Any, NoReturn

from utils.caller import Caller, checked
from utils.child_start import Parent
from utils.destinations import Destinations
from utils.guard import Guard
from utils.guard_filter import LISTENING, call_numbers
from utils.guarded_socket import Judge
from utils.notifications import Notifications
from utils.routes import Routes
from utils.supervisor import load_prctl

GUARD_FD = 5  # of the process that is to be guarded, beside its four channels
_CREDENTIALS = struct.Struct("=iII")
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES_VERSION = 0x20080522
_SYS_PTRACE = 1 << 19


def start_guard(rules: Mapping[str, Any]) -> None:
    """Fork the guard of the program that this process becomes next; it finds it at GUARD_FD."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # who writes is told by the kernel
    parent = Parent(os.getpid(), load_prctl())
    if os.fork() == 0:
        _be_guard(ours, parent, rules)
    # Either may have that number already, so that neither object may close it.
    os.dup2(theirs.detach(), GUARD_FD)
    os.set_inheritable(GUARD_FD, True)
    ours.detach()


def _be_guard(ours: socket.socket, parent: Parent, rules: Mapping[str, Any]) -> NoReturn:
    try:
        parent.ask_for_its_death(signal.SIGKILL)
        if not parent.is_gone():
            _let_go(ours)
            _guard(ours, rules)
    finally:
        os._exit(0)


def _let_go(ours: socket.socket) -> None:
    """Give up all but the socket: whoever reads the sandbox's channels waits for their end."""
    signal.set_wakeup_fd(-1)
    gc.enable()  # which the launcher did without
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.closerange(3, ours.fileno())
    os.closerange(ours.fileno() + 1, os.sysconf("SC_OPEN_MAX"))


def _guard(ours: socket.socket, rules: Mapping[str, Any]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _give_up_privileges(libc)
    listener = _receive_listener(ours, libc)
    numbers = call_numbers()
    if listener is None or numbers is None:
        return
    with Routes() as routes:
        ours.sendall(LISTENING)
        ours.close()
        judge = Judge(Destinations(rules["ports"], routes))
        Guard(Notifications(listener), judge, numbers).serve()


def _receive_listener(ours: socket.socket, libc: ctypes.CDLL) -> int | None:
    """Take the listener out of the process that says which of its descriptors that is."""
    room = socket.CMSG_SPACE(_CREDENTIALS.size)
    said, beside, _flags, _address = ours.recvmsg(32, room)
    credentials = next((data for _, kind, data in beside if kind == socket.SCM_CREDENTIALS), None)
    if not said or credentials is None:
        return None
    pid, _user, _group = _CREDENTIALS.unpack(credentials)
    with Caller(pid, libc) as child:
        return child.duplicate(int(said))


def _give_up_privileges(libc: ctypes.CDLL) -> None:
    """Keep of root's privileges the one that reads a sandbox's memory, where it takes one."""
    checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    checked(libc.capget(header, sets))
    # Effective, permitted and inheritable ones, the lower 32 before the upper.
    kept = (sets[0] & _SYS_PTRACE, sets[1] & _SYS_PTRACE, 0, 0, 0, 0)
    checked(libc.capset(header, (ctypes.c_uint32 * 6)(*kept)))
