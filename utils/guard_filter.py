"""The filter that hands calls which reach for other sockets to the guard, and refuses its bypasses.

https://docs.kernel.org/userspace-api/seccomp_filter.html#userspace-notification
"""

import ctypes
import errno
import os
import platform
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from utils.bpf import (
    ALLOW,
    AND,
    ANY_BIT,
    EQUAL,
    LOAD,
    NOTIFY,
    NUMBER,
    RETURN,
    Step,
    argument,
    assemble,
    on_call,
    refusal_if,
    refusal_unless,
)
from utils.system_calls import system_call

LISTENING = b"k"  # the guard's answer once it has the listener
_SET_MODE_FILTER = 1
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5  # a signal must not make a call happen twice
_FAST_OPEN = 0x20000000  # MSG_FASTOPEN: connects while it sends
_TYPE_BITS = 0xF  # of a socket's type; the others are flags
_NETLINK_ROUTE = 0

# By which a packet could take another way than its address says, and the level of each.
_REFUSED_OPTIONS = {
    0: (4,),  # IPPROTO_IP: IP_OPTIONS, which hold source routes
    41: (6, 57),  # IPPROTO_IPV6: IPV6_2292PKTOPTIONS, IPV6_RTHDR
    1: (25, 62),  # SOL_SOCKET: SO_BINDTODEVICE, SO_BINDTOIFINDEX
}
_INET, _INET6, _NETLINK = 2, 10, 16  # the module socket would cost each job 3 ms
_TYPES = (1, 2, 3)  # stream, datagram, and raw, which needs a privilege
_PROTOCOLS = (0, 1, 6, 17, 58)  # any, ICMP, TCP, UDP, ICMPv6


class Numbers(NamedTuple):
    """The calls by their numbers on one kind of machine."""

    seccomp: int
    connect: int
    listen: int
    sendto: int
    sendmsg: int
    sendmmsg: int
    socket: int
    setsockopt: int


_MACHINES = {
    "x86_64": Numbers(317, 42, 50, 44, 46, 307, 41, 54),
    "aarch64": Numbers(277, 203, 201, 206, 211, 269, 198, 208),
}


def call_numbers() -> Numbers | None:
    """Return the numbers of this machine, None where they are not known."""
    return _MACHINES.get(platform.machine())


def submit_to_guard(descriptor: int) -> None:
    """Let the guard at the other end of a socket judge this process from now on, and its children.

    Call it with one thread, and with `no new privileges`. Raises OSError when there is no guard.
    """
    numbers = call_numbers()
    if numbers is None:
        raise OSError(errno.ENOSYS, f"no guard knows a machine of kind {platform.machine()}")
    program = assemble(_steps(numbers))
    flags = ctypes.c_ulong(_NEW_LISTENER | _WAIT_KILLABLE)
    listener = system_call(
        numbers.seccomp, ctypes.c_ulong(_SET_MODE_FILTER), flags, ctypes.byref(program)
    )
    # It takes the listener out of this process by itself: to send it would be a call to be judged.
    os.write(descriptor, str(listener).encode())
    answer = os.read(descriptor, 1)
    os.close(listener)
    os.close(descriptor)
    if answer != LISTENING:
        raise OSError(errno.ENOSYS, "the guard of this sandbox did not answer")


def check_guard() -> None:
    """Raise OSError when this process has a guard that is gone: it would reach nothing at all."""
    numbers = call_numbers()
    if numbers is None:
        return
    try:
        system_call(numbers.connect, ctypes.c_int(-1), None, ctypes.c_int(0))
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise OSError(errno.ENOSYS, "the guard of this sandbox is gone") from error


def _steps(numbers: Numbers) -> Iterator[Step]:
    yield Step(LOAD, NUMBER)
    yield from on_call(numbers.connect, (), NOTIFY)
    yield from on_call(numbers.listen, (), NOTIFY)
    yield from on_call(numbers.sendmsg, _no_fast_open(2), NOTIFY)
    yield from on_call(numbers.sendmmsg, _no_fast_open(3), NOTIFY)
    yield from on_call(numbers.sendto, (*_no_fast_open(3), *_allowed_if_null(4)), NOTIFY)
    yield from on_call(numbers.setsockopt, _no_other_way())
    yield from on_call(numbers.socket, _no_rare_kinds())
    yield Step(RETURN, ALLOW)


def _no_fast_open(flags: int) -> Iterator[Step]:
    yield argument(flags)
    yield from refusal_if(Step(ANY_BIT, _FAST_OPEN), errno.EOPNOTSUPP)


def _allowed_if_null(pointer: int) -> Iterator[Step]:
    yield argument(pointer)
    yield Step(EQUAL, 0, if_false=3)
    yield argument(pointer, upper=True)
    yield Step(EQUAL, 0, if_false=1)
    yield Step(RETURN, ALLOW)


def _no_other_way() -> Iterator[Step]:
    for level, options in _REFUSED_OPTIONS.items():
        refusals = [step for one in options for step in refusal_if(Step(EQUAL, one), errno.EPERM)]
        inner = [argument(2), *refusals, Step(RETURN, ALLOW)]
        yield argument(1)
        yield Step(EQUAL, level, if_false=len(inner))
        yield from inner


def _no_rare_kinds() -> Iterator[Step]:
    """Allow TCP, UDP and pings of the internet's families, and routes of netlink."""
    usual = (argument(1), Step(AND, _TYPE_BITS), *_one_of(_TYPES))
    for family in (_INET, _INET6):
        yield from _of_family(family, (*usual, argument(2), *_one_of(_PROTOCOLS)))
    yield from _of_family(_NETLINK, (argument(2), *_one_of((_NETLINK_ROUTE,))))


def _of_family(family: int, steps: Iterable[Step]) -> Iterator[Step]:
    inner = (*steps, Step(RETURN, ALLOW))
    yield argument(0)
    yield Step(EQUAL, family, if_false=len(inner))
    yield from inner


def _one_of(values: Iterable[int]) -> Iterator[Step]:
    return refusal_unless((Step(EQUAL, value) for value in values), errno.EPROTONOSUPPORT)
