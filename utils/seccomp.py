"""A filter of system calls that plugins have no use for and that have opened kernels before.

The calls answer EPERM, or ENOSYS where programs know another way. It is small on purpose: what
holds a job is the namespaces; this closes the doors that they leave open, keyrings among them.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from utils.system_calls import prctl

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _GREATER_OR_EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets; arguments are little-endian here
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


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class _Step(NamedTuple):
    code: int
    value: int
    if_true: int = 0
    if_false: int = 0


def refuse_rare_calls() -> None:
    """Filter this process and all that it starts; does nothing on a machine that is not known."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return
    code = b"".join(
        struct.pack("<HBBI", s.code, s.if_true, s.if_false, s.value) for s in _steps(machine)
    )
    program = _Program(len(code) // 8, code)
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program))


def _steps(machine: _Machine) -> Iterator[_Step]:
    yield _Step(_LOAD, _ARCHITECTURE)
    yield _Step(_EQUAL, machine.audit, if_true=1)
    yield _Step(_RETURN, _KILL_PROCESS)  # calls by another set of numbers
    yield _Step(_LOAD, _NUMBER)
    yield from _refusal_if(_Step(_GREATER_OR_EQUAL, _X32), errno.ENOSYS)
    yield from _refusal_if(_Step(_EQUAL, machine.clone3), errno.ENOSYS)  # its flags can't be seen
    for number in machine.refused:
        yield from _refusal_if(_Step(_EQUAL, number), errno.EPERM)
    for number in (machine.unshare, machine.clone):
        yield from _on_call(number, _refusal_if(_Step(_ANY_BIT, _NEW_USER), errno.EPERM))
    known = (_Step(_EQUAL, family) for family in _SOCKET_FAMILIES)
    yield from _on_call(machine.socket, _refusal_unless(known, errno.EAFNOSUPPORT))
    yield _Step(_RETURN, _ALLOW)


def _refusal_if(test: _Step, number: int) -> Iterator[_Step]:
    yield test._replace(if_false=1)
    yield _Step(_RETURN, _ERRNO | number)


def _refusal_unless(tests: Iterable[_Step], number: int) -> Iterator[_Step]:
    steps = list(tests)
    for index, test in enumerate(steps):
        yield test._replace(if_true=len(steps) - index)
    yield _Step(_RETURN, _ERRNO | number)


def _on_call(number: int, steps: Iterable[_Step]) -> Iterator[_Step]:
    inner = [_Step(_LOAD, _FIRST_ARGUMENT), *steps, _Step(_RETURN, _ALLOW)]
    yield _Step(_EQUAL, number, if_false=len(inner))
    yield from inner
