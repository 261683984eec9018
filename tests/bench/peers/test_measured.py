import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.peers.driver import Driver
from bench.peers.measured import _rounds
from bench.peers.peer import Home, Peer
from bench.peers.processes import PeerUnavailable, Processes

GOOD = "def ready():\n    return lambda: {'answer': 42}\n"
SILENT = "def ready():\n    raise SystemExit('it does not listen')\n"


def start(home: Home) -> Driver:
    return home.drive(GOOD)


PEER = Peer("fake", "a fake", "none", 3, start)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    python = Path(sys.executable)
    return Home(python, python, Processes(tmp_path, python.parent))


def test_a_peer_does_its_rounds(home: Home) -> None:
    assert len(_rounds(PEER, home)) == PEER.rounds


def test_a_peer_that_does_not_start_is_unavailable(home: Home) -> None:
    with pytest.raises(PeerUnavailable, match="it does not listen"):
        _rounds(replace(PEER, start=lambda home: home.drive(SILENT)), home)
