"""The small programs that the kernel runs before each system call of a process."""

import ctypes
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

ALLOW, ERRNO, KILL_PROCESS, NOTIFY = 0x7FFF0000, 0x00050000, 0x80000000, 0x7FC00000
LOAD, EQUAL, GREATER_OR_EQUAL, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
NUMBER, ARCHITECTURE = 0, 4  # offsets of what it looks at


class Program(ctypes.Structure):
    """A program as the kernel takes it."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class Step(NamedTuple):
    """One instruction; a test jumps over so many of the following ones."""

    code: int
    value: int
    if_true: int = 0
    if_false: int = 0


def assemble(steps: Iterable[Step]) -> Program:
    """Return the program of these steps."""
    code = b"".join(struct.pack("<HBBI", s.code, s.if_true, s.if_false, s.value) for s in steps)
    return Program(len(code) // 8, code)


def argument(index: int, *, upper: bool = False) -> Step:
    """Load the lower or the upper half of an argument."""
    return Step(LOAD, 16 + 8 * index + 4 * upper)  # little-endian here


def refusal_if(test: Step, number: int) -> Iterator[Step]:
    """Answer with an error where the test holds, go on elsewhere."""
    yield test._replace(if_false=1)
    yield Step(RETURN, ERRNO | number)


def refusal_unless(tests: Iterable[Step], number: int) -> Iterator[Step]:
    """Answer with an error where none of the tests holds, go on elsewhere."""
    steps = list(tests)
    for index, test in enumerate(steps):
        yield test._replace(if_true=len(steps) - index)
    yield Step(RETURN, ERRNO | number)


def on_call(number: int, steps: Iterable[Step], otherwise: int = ALLOW) -> Iterator[Step]:
    """Take the steps for one system call, and answer with `otherwise` where they don't answer."""
    inner = [*steps, Step(RETURN, otherwise)]
    yield Step(EQUAL, number, if_false=len(inner))
    yield from inner
