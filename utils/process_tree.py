"""Which processes descend from one, and how all of them are ended.

Where there is no /proc (macOS, BSD) nothing tells who descends from whom: there the process group
of the first child is killed, and a process that made a session of its own escapes.
"""

import os
import signal
import time
from collections.abc import Collection, Iterable
from typing import NamedTuple

PROC = "/proc"
DEEP_EVERY = 8  # rounds from one look at all of /proc to the next; the others see our children only
PAUSE_SECONDS = 0.0005


class Process(NamedTuple):
    """One line of the process table; `started` tells two users of one pid apart."""

    pid: int
    parent: int
    started: int


def descendants(root: int, table: Iterable[Process]) -> list[Process]:
    """Return every process below `root`, parents before their children."""
    below: dict[int, list[Process]] = {}
    for process in table:
        below.setdefault(process.parent, []).append(process)
    found: list[Process] = list(below.get(root, ()))
    for process in found:  # grows while it is walked
        found.extend(below.get(process.pid, ()))
    return found


def read_process_table(proc: str = PROC) -> list[Process]:
    """Return all processes that can be seen; none where there is no /proc."""
    try:
        with os.scandir(proc) as entries:
            pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    except OSError:
        return []
    return [process for pid in pids if (process := read_process(pid, proc)) is not None]


def read_process(pid: int, proc: str = PROC) -> Process | None:
    """Return one process, or None when it is gone."""
    try:
        text = _read(f"{proc}/{pid}/stat")
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name before it may hold anything
    return Process(pid, int(fields[1]), int(fields[19]))


def children(proc: str = PROC) -> list[int]:
    """Return this process's children, quickly where the kernel lists them."""
    try:
        return [int(pid) for pid in _read(f"{proc}/thread-self/children").split()]
    except OSError:
        own = os.getpid()
        return [process.pid for process in read_process_table(proc) if process.parent == own]


def reap() -> tuple[dict[int, int], bool]:
    """Collect every child that has ended: their wait statuses, and whether any child is left."""
    statuses: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return statuses, False
        if pid == 0:
            return statuses, True
        statuses[pid] = status


def end_descendants(
    deadline_seconds: float, first_group: int | None = None, proc: str = PROC
) -> dict[int, int]:
    """SIGKILL everything below this process in rounds until nothing is left.

    Returns what was reaped: pids and their wait statuses. This process must be a subreaper: then
    every orphan becomes its child, and "no child left" means that nothing escaped. Gives up at the
    deadline (a process in an uninterruptible wait). `first_group` is what is killed where there is
    no /proc.
    """
    give_up_at = time.monotonic() + deadline_seconds
    reaped, any_left = reap()
    round_number = 0
    while any_left and time.monotonic() < give_up_at:
        round_number += 1
        kill_round(deep=round_number % DEEP_EVERY == 0, proc=proc)
        if first_group is not None and not _exists(proc):
            _kill_group(first_group)
        statuses, any_left = reap()
        reaped.update(statuses)
        if any_left and not statuses:
            time.sleep(PAUSE_SECONDS)
    return reaped


def kill_round(spare: Collection[int] = (), *, deep: bool = True, proc: str = PROC) -> int:
    """SIGKILL our children, and with `deep` all that is below them; return how many there were.

    The children in `spare`, and what is below them, are left alone.
    """
    targets = [pid for pid in children(proc) if pid not in spare]
    for pid in targets:
        _kill_child(pid)
    if not deep:
        return len(targets)
    table = [process for process in read_process_table(proc) if process.pid not in spare]
    below = descendants(os.getpid(), table)
    for process in below:
        _kill_exactly(process, proc)
    return max(len(below), len(targets))


def _kill_child(pid: int) -> None:
    # A child's pid cannot become another process's before we reap it, so this hits nobody else.
    try:
        group = os.getpgid(pid)
    except OSError:
        return
    if group != os.getpgrp():
        _kill_group(group)  # the whole group at once, even one that forks without end
    _kill(pid)


def _kill_exactly(process: Process, proc: str) -> None:
    # A grandchild may be gone and its pid be another's by now: a pidfd names one process for good.
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        now = read_process(process.pid, proc)
        if now is not None and now.started == process.started:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return  # gone between the look and the signal, or another user's
    finally:
        os.close(handle)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        return  # nobody is left in it, or they are another user's


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return  # another user's: it ran a setuid program


def _exists(proc: str) -> bool:
    try:
        os.stat(f"{proc}/self")  # noqa: PTH116 - pathlib costs each supervisor memory
    except OSError:
        return False
    return True


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY)
    try:
        chunks = []
        while chunk := os.read(handle, 65536):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(handle)
