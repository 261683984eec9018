"""A place in the pool of warm processes: whose it is, what is in it, and how many there may be."""

import threading
from typing import NamedTuple

from worker.job_order import Prepared
from worker.stop_signal import StopSignal
from worker.warm_process import NotWarm, WarmProcess


class WarmLimits(NamedTuple):
    """How many processes there may be, and how much memory they may take together."""

    processes: int
    memory_bytes: int


NONE_WARM = WarmLimits(0, 0)


class Key(NamedTuple):
    """What a process has imported."""

    environment: str
    snapshot: str
    integration: str
    preload: tuple[str, ...] | None

    def replaces(self, other: "Key") -> bool:
        """Whether it is another one of the same integration."""
        return self != other and self.integration == other.integration


class Place:
    """One process in the pool: starting, ready, or why there is none. The pool's lock guards it."""

    def __init__(self) -> None:
        self.settled = threading.Event()
        self.stop = StopSignal()
        self.process: WarmProcess | None = None
        self.obstacle: NotWarm | None = None
        self.retry_at = 0.0
        self.jobs = 0
        self.used = 0  # by jobs: the number of its last one among all; 0: by none so far
        self.is_given_up = False  # takes no more jobs, and ends after those that it has

    @property
    def counts(self) -> bool:
        """Whether it takes up room."""
        return self.obstacle is None

    @property
    def memory_bytes(self) -> int:
        """What it took when it was ready."""
        return self.process.memory_bytes if self.process else 0


def key_of(prepared: Prepared) -> Key:
    """Name what a process of this has imported."""
    key = prepared.environment.key, str(prepared.snapshot), prepared.integration
    return Key(*key, prepared.preload)


def too_large(size_bytes: int, limit_bytes: int) -> str:
    """Say that one takes more than all of them may."""
    size, limit = (value // 1024**2 for value in (size_bytes, limit_bytes))
    return f"its imports take {size} MiB, more than the {limit} MiB of TRUELINE_WARM_MEMORY_MB"
