"""A filter of system calls that plugins have no use for and that have opened kernels before.

The calls answer EPERM, or ENOSYS where programs know another way. It is small on purpose: what
holds a job is the namespaces; this closes the doors that they leave open, keyrings among them.
"""

import ctypes
import errno
import platform
from collections.abc import Iterator
from typing import NamedTuple

from utils.bpf import (
    ALLOW,
    ANY_BIT,
    ARCHITECTURE,
    EQUAL,
    GREATER_OR_EQUAL,
    KILL_PROCESS,
    LOAD,
    NUMBER,
    RETURN,
    Step,
    argument,
    assemble,
    on_call,
    refusal_if,
    refusal_unless,
)
from utils.system_calls import prctl

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_NEW_USER = 0x10000000  # CLONE_NEWUSER
_SOCKET_FAMILIES = (1, 2, 10, 16)  # UNIX, INET, INET6, NETLINK
_PROCESS, _GROUP = 1, 2  # IOPRIO_WHO_PROCESS, IOPRIO_WHO_PGRP
_SET_LEASE, _NOTIFY = 1024, 1026  # F_SETLEASE, F_NOTIFY
_X32 = 0x40000000  # the third set of numbers that x86-64 kernels may know


class _Machine(NamedTuple):
    audit: int
    refused: tuple[int, ...]
    unshare: int
    clone: int
    clone3: int
    socket: int
    prlimit: int
    setpriority: int
    ioprio: int
    fcntl: int
    schedulers: tuple[int, ...]
    unknown: tuple[int, ...]


# add_key request_key keyctl, bpf perf_event_open userfaultfd, io_uring_*, setns mount umount2
# pivot_root, open_by_handle_at, kexec_load, init_module finit_module delete_module, fsopen family,
# and shmget semget msgget mq_open: jobs of one sandbox would share what outlives them there.
# Schedulers: sched_setparam sched_setscheduler sched_setattr sched_setaffinity.
# Unknown: inotify_init inotify_init1 fanotify_init, which tell the names of other jobs' files;
# memfd_create memfd_secret, whose memory nobody sees and counts once it is not mapped.
_NEW_CALLS = (425, 426, 427, 428, 429, 430, 431, 432, 433, 442)
_SHARED = ((29, 64, 68, 240), (194, 190, 186, 180))
_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        (
            248,
            249,
            250,
            321,
            298,
            323,
            308,
            165,
            166,
            155,
            304,
            246,
            175,
            313,
            176,
            *_SHARED[0],
            *_NEW_CALLS,
        ),
        272,
        56,
        435,
        41,
        302,
        141,
        251,
        72,
        (142, 144, 314, 203),
        (253, 294, 300, 319, 447),
    ),
    "aarch64": _Machine(
        0xC00000B7,
        (
            217,
            218,
            219,
            280,
            241,
            282,
            268,
            40,
            39,
            41,
            265,
            104,
            105,
            273,
            106,
            *_SHARED[1],
            *_NEW_CALLS,
        ),
        97,
        220,
        435,
        198,
        261,
        140,
        30,
        25,
        (118, 119, 274, 122),
        (26, 262, 279, 447),
    ),
}


def refuse_rare_calls() -> None:
    """Filter this process and all that it starts; does nothing on a machine that is not known."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return
    program = assemble(_steps(machine))
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program))


def _steps(machine: _Machine) -> Iterator[Step]:
    yield Step(LOAD, ARCHITECTURE)
    yield Step(EQUAL, machine.audit, if_true=1)
    yield Step(RETURN, KILL_PROCESS)  # calls by another set of numbers
    yield Step(LOAD, NUMBER)
    yield from refusal_if(Step(GREATER_OR_EQUAL, _X32), errno.ENOSYS)
    yield from refusal_if(Step(EQUAL, machine.clone3), errno.ENOSYS)  # its flags can't be seen
    for number in machine.refused:
        yield from refusal_if(Step(EQUAL, number), errno.EPERM)
    for number in (machine.unshare, machine.clone):
        refusal = refusal_if(Step(ANY_BIT, _NEW_USER), errno.EPERM)
        yield from on_call(number, (argument(0), *refusal))
    for number in machine.unknown:
        yield from refusal_if(Step(EQUAL, number), errno.ENOSYS)
    yield from on_call(machine.prlimit, _of_itself())
    yield from on_call(machine.setpriority, _of_itself_alone())
    yield from on_call(machine.ioprio, _of_its_own_disk_priority())
    yield from on_call(machine.fcntl, _no_leases())
    for number in machine.schedulers:
        yield from on_call(number, _refusal_if_set(0))
    known = (Step(EQUAL, family) for family in _SOCKET_FAMILIES)
    yield from on_call(machine.socket, (argument(0), *refusal_unless(known, errno.EAFNOSUPPORT)))
    yield Step(RETURN, ALLOW)


def _of_itself() -> Iterator[Step]:
    """Refuse new limits (argument 2) of another process (argument 0, 0 for this one)."""
    refusals = [step for upper in (False, True) for step in _refusal_if_set(2, upper=upper)]
    yield argument(0)
    yield Step(EQUAL, 0, if_true=len(refusals))
    yield from refusals


def _of_itself_alone() -> Iterator[Step]:
    """Refuse a priority of others: a group or a user (argument 0), another process (argument 1)."""
    yield from (step for index in (0, 1) for step in _refusal_if_set(index))


def _of_its_own_disk_priority() -> Iterator[Step]:
    """Refuse that of a user (argument 0), of another process or group (argument 1)."""
    yield argument(0)
    yield from refusal_unless((Step(EQUAL, kind) for kind in (_PROCESS, _GROUP)), errno.EPERM)
    yield from _refusal_if_set(1)


def _no_leases() -> Iterator[Step]:
    """Refuse (argument 1) what makes others wait who open a file, or tells of a folder's changes.

    The worker opens files that a job has written.
    """
    yield argument(1)
    for command in (_SET_LEASE, _NOTIFY):
        yield from refusal_if(Step(EQUAL, command), errno.EPERM)


def _refusal_if_set(index: int, *, upper: bool = False) -> Iterator[Step]:
    yield argument(index, upper=upper)
    yield from refusal_unless((Step(EQUAL, 0),), errno.EPERM)
