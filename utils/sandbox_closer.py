"""Closes from outside what bubblewrap has no options for, once a sandbox stands.

`/proc` shows a process those alone that it may look into, and `/dev/shm` takes few files. The
helper is forked beside what becomes the sandbox; the first process in it waits for that.
"""

import fcntl
import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from utils.child_start import Parent
from utils.confinement import CLOSED
from utils.supervisor import load_prctl
from utils.system_calls import enter_namespace, mount_again

CLOSER_FD = 6  # of the process that is to be closed in, beside the guard's
FAILED = b"n"
MOST_SHARED_FILES = 4096
_CREDENTIALS = struct.Struct("=iII")
_USER_NAMESPACE_OF = 0xB701  # NS_GET_USERNS; see ioctl_ns(2)
_NO_SUID, _NO_DEVICES, _NO_PROGRAMS = 2, 4, 8  # MS_NOSUID, MS_NODEV, MS_NOEXEC
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the sandbox's own


def start_closer() -> None:
    """Fork the helper of the program that this process becomes next; it finds it at CLOSER_FD."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # who writes is told by the kernel
    parent = Parent(os.getpid(), load_prctl())
    if os.fork() == 0:
        _be_closer(ours, parent)
    # Either may have that number already, so that neither object may close it.
    os.dup2(theirs.detach(), CLOSER_FD)
    os.set_inheritable(CLOSER_FD, True)
    ours.detach()


def _be_closer(ours: socket.socket, parent: Parent) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        parent.ask_for_its_death(signal.SIGKILL)
        os.closerange(0, ours.fileno())  # whoever reads the channels waits for their end
        os.closerange(ours.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        if not parent.is_gone():
            _answer(ours)
    finally:
        os._exit(0)


def _answer(ours: socket.socket) -> None:
    asked, beside, _flags, _address = ours.recvmsg(1, socket.CMSG_SPACE(_CREDENTIALS.size))
    told = next((data for _, kind, data in beside if kind == socket.SCM_CREDENTIALS), None)
    if not asked or told is None:
        return
    pid, _user, _group = _CREDENTIALS.unpack(told)
    try:
        _close_mounts(pid)
    except OSError:
        ours.sendall(FAILED)
    else:
        ours.sendall(CLOSED)


def _close_mounts(pid: int) -> None:
    with _opened(f"/proc/{pid}/ns/mnt") as mounts, _opened("/proc/self/ns/user") as ours:
        owner = fcntl.ioctl(mounts, _USER_NAMESPACE_OF)
        if os.fstat(owner).st_ino != os.fstat(ours).st_ino:
            enter_namespace(owner)
        os.close(owner)
        enter_namespace(mounts)
    usual = _NO_SUID | _NO_DEVICES
    mount_again("/proc", usual | _NO_PROGRAMS, "hidepid=ptraceable")
    mount_again(_SHARED_MEMORY, usual, f"nr_inodes={MOST_SHARED_FILES}")


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
