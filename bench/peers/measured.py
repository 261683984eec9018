"""One peer measured in this process, with all that it started ended afterwards."""

import tempfile
import time
from pathlib import Path

from bench.peers.environment import open_environment
from bench.peers.peer import Home, Peer
from bench.peers.processes import Processes

MOST_SECONDS = 60.0
INTERPRETER = "interpreter"


def measure_peer(peer: Peer, root: Path) -> list[float]:
    """Return the seconds of each round; raises PeerUnavailable. This process is a subreaper."""
    python = open_environment(root, peer.requirements)
    interpreter = open_environment(root, INTERPRETER)
    with tempfile.TemporaryDirectory(prefix="trueline-bench-") as scratch:
        processes = Processes(Path(scratch), python.parent)
        try:
            return _rounds(peer, Home(python, interpreter, processes))
        finally:
            processes.end()


def _rounds(peer: Peer, home: Home) -> list[float]:
    """Measure so many rounds, or as many as there is time for."""
    with peer.start(home) as driver:
        end = time.monotonic() + MOST_SECONDS
        seconds = [driver.seconds()]
        while len(seconds) < peer.rounds and time.monotonic() < end:
            seconds.append(driver.seconds())
    return seconds
