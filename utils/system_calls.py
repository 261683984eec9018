"""System calls that Python's standard library does not offer, by the C library."""

import ctypes
import os
from typing import Any

_REMOUNT = 32


def system_call(number: int, *arguments: Any) -> int:
    """Make a system call; raises OSError."""
    result: int = _library().syscall(ctypes.c_long(number), *arguments)
    return _checked(result)


def prctl(option: int, *arguments: Any) -> int:
    """Change something about this process; raises OSError."""
    given = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    rest = [ctypes.c_ulong(0)] * (4 - len(given))
    result: int = _library().prctl(ctypes.c_int(option), *given, *rest)
    return _checked(result)


def mount_again(path: str, flags: int, options: str) -> None:
    """Change how a file system is mounted; raises OSError."""
    _checked(
        _library().mount(
            b"none", path.encode(), None, ctypes.c_ulong(_REMOUNT | flags), options.encode()
        )
    )


def enter_namespace(descriptor: int) -> None:
    """Move this process into a namespace; raises OSError."""
    _checked(_library().setns(ctypes.c_int(descriptor), ctypes.c_int(0)))


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
