"""Whether a process that has imported a plugin may be forked for one job after the other."""

import os
import signal
import socket
import threading
from collections.abc import Mapping
from typing import NamedTuple

from utils.process_tree import children

_DESCRIPTORS = "/proc/self/fd"
_THREADS = "/proc/self/task"


class Footing(NamedTuple):
    """What a process holds, and what it forks and waits with."""

    descriptors: Mapping[int, str]  # what each leads to
    primitives: tuple[object, ...]


def look_at_footing() -> Footing:
    """Return what this process stands on now."""
    primitives = (os.fork, os.waitpid, os._exit, signal.signal, socket.socket, threading.Thread)
    return Footing(_open_descriptors(), primitives)


def unfit_reason(before: Footing) -> str | None:
    """Say what stands against forking this process, compared with `before`; None: nothing does.

    A fork has no thread but the one that forked, and shares children, files and connections with
    everything that was forked before it.
    """
    if names := _extra_threads():
        return f"it starts a thread when it is imported: {', '.join(names)}"
    if pids := children():
        return f"it leaves {len(pids)} child process(es) when it is imported"
    for descriptor, target in sorted(_open_descriptors().items()):
        if before.descriptors.get(descriptor) != target:
            what = "a connection or socket" if target.startswith("socket:") else target
            return f"it leaves {what} open when it is imported"
    if look_at_footing().primitives != before.primitives:
        return "it replaces functions of os, signal, socket or threading when it is imported"
    return None


def _extra_threads() -> list[str]:
    started = len(os.listdir(_THREADS)) - 1  # noqa: PTH208 - pathlib costs each job 6 ms
    known = [thread.name for thread in threading.enumerate() if _is_other(thread)]
    return known + ["(one without a name)"] * (started - len(known))


def _is_other(thread: threading.Thread) -> bool:
    return thread is not threading.main_thread()


def _open_descriptors() -> dict[int, str]:
    numbers = [int(name) for name in os.listdir(_DESCRIPTORS)]  # noqa: PTH208 - same
    found = ((number, _target(number)) for number in numbers)  # one was the listing's own
    return {number: target for number, target in found if target is not None}


def _target(descriptor: int) -> str | None:
    try:
        return os.readlink(f"{_DESCRIPTORS}/{descriptor}")  # noqa: PTH115 - same
    except OSError:
        return None
