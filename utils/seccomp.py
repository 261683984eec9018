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
_X32 = 0x40000000  # the third set of numbers that x86-64 kernels may know


class _Machine(NamedTuple):
    audit: int
    refused: tuple[int, ...]
    unshare: int
    clone: int
    clone3: int
    socket: int


# add_key request_key keyctl, bpf perf_event_open userfaultfd, io_uring_*, setns mount umount2
# pivot_root, open_by_handle_at, kexec_load, init_module finit_module delete_module, fsopen family
_NEW_CALLS = (425, 426, 427, 428, 429, 430, 431, 432, 433, 442)
_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        (248, 249, 250, 321, 298, 323, 308, 165, 166, 155, 304, 246, 175, 313, 176, *_NEW_CALLS),
        272,
        56,
        435,
        41,
    ),
    "aarch64": _Machine(
        0xC00000B7,
        (217, 218, 219, 280, 241, 282, 268, 40, 39, 41, 265, 104, 105, 273, 106, *_NEW_CALLS),
        97,
        220,
        435,
        198,
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
    known = (Step(EQUAL, family) for family in _SOCKET_FAMILIES)
    yield from on_call(machine.socket, (argument(0), *refusal_unless(known, errno.EAFNOSUPPORT)))
    yield Step(RETURN, ALLOW)
