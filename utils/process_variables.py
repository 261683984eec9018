"""The variables of this process, and how those that are secret are kept from everybody else."""

import ctypes
import os
import sys
from collections.abc import Iterable

SECRET = ("TRUELINE_TOKEN", "TRUELINE_SECRET_KEY")


def take_variables(secret: Iterable[str] = SECRET) -> dict[str, str]:
    """Return the variables; for the start of a process, once.

    The secret ones are erased from it, so that neither what it starts nor `/proc` shows them.
    """
    variables = dict(os.environ)
    for name in secret:
        if name in variables:
            _erase(name)
            del os.environ[name]
    return variables


def _erase(name: str) -> None:
    if sys.platform != "linux":
        return
    # The kernel shows the very bytes that the process was started with, wherever they were copied.
    block = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    begins = f"{name}=".encode()
    index = 0
    while address := block[index]:
        entry = ctypes.string_at(address)
        if entry.startswith(begins):
            ctypes.memset(address + len(begins), 0, len(entry) - len(begins))
        index += 1
