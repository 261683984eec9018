"""How much memory processes take, each shared page counted once among those that share it."""

import os
from collections.abc import Iterable
from pathlib import Path

from utils.process_tree import descendants, read_process_table

PROC = Path("/proc")


def memory_bytes(pids: Iterable[int], proc: Path = PROC) -> int:
    """Return the sum over processes; one that is gone takes nothing."""
    return sum(_proportional(proc / str(pid)) for pid in pids)


def tree_memory_bytes(root: int) -> int:
    """Return what a process and all that descends from it take."""
    below = descendants(root, read_process_table())
    return memory_bytes([root, *(one.pid for one in below)])


def _proportional(process: Path) -> int:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:  # another user's, gone, or a kernel without it
        return _resident(process)
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _resident(process: Path) -> int:
    try:
        pages = int((process / "statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
