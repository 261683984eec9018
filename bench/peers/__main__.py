"""`python -m bench.peers NAME FOLDER`: measures one peer and prints its seconds as JSON.

A process of its own is a subreaper of its own: whatever a peer starts, daemons too, ends with it.
"""

import ctypes
import json
import signal
import sys
from pathlib import Path

from bench.peers.known import PEERS
from bench.peers.measured import measure_peer
from bench.peers.processes import PeerUnavailable
from utils.parent_death import end_with_parent
from utils.supervisor import become_subreaper


def main(name: str, root: Path) -> None:
    """Measure; what ends this process ends it in order."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    end_with_parent(signal.SIGTERM)
    become_subreaper(ctypes.CDLL(None).prctl)
    (peer,) = (peer for peer in PEERS if peer.name == name)
    try:
        answer: dict[str, object] = {"seconds": measure_peer(peer, root)}
    except PeerUnavailable as error:
        answer = {"unavailable": error.reason}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
