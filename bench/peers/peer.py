"""What a peer is, and what it is given to run in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.peers.driver import Driver
from bench.peers.processes import Processes

WORK = "import requests, pydantic"  # what each peer's task imports, in a process of its own
ANSWER = {"answer": 42}  # and what it returns


@dataclass(frozen=True)
class Home:
    """Where one peer runs: its environment, and a directory and processes of its own."""

    python: Path
    interpreter: Path  # of an environment with no more than the work needs
    processes: Processes

    @property
    def directory(self) -> Path:
        """Where it may write."""
        return self.processes.directory

    def program(self, name: str) -> str:
        """Return a program of the peer's environment."""
        return str(self.python.with_name(name))

    def drive(self, code: str, *arguments: str) -> Driver:
        """Start what submits work and sees its results; see Driver for what `code` does."""
        return Driver(self.processes, [str(self.python), "-c", code, *arguments])


@dataclass(frozen=True)
class Peer:
    """Something else that runs Python tasks; `goal` is how many times faster ours is to be."""

    name: str
    title: str
    requirements: str  # the name of its lock
    rounds: int
    start: Callable[[Home], Driver]
    goal: float | None = None
